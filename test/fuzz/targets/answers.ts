import assert from "node:assert/strict";
import type { ErrorCode } from "../../../src/errors/index.js";
import { allKeys } from "../../../src/kv/index.js";
import { fromConnection } from "../../../src/nats/index.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { WatchCursor } from "../../../src/values/index.js";
import { FakeClient } from "../../support/fake-client.js";
import { mutatedText } from "../mutate.js";
import { refusal, textTarget, type Verdict } from "../target.js";

const STREAM = {
  type: "io.nats.jetstream.api.v1.stream_info_response",
  config: {
    name: "KV_b",
    subjects: ["$KV.b.>"],
    max_age: 60_000_000_000,
    discard: "new",
    allow_msg_ttl: true,
    subject_delete_marker_ttl: 1_000_000_000,
    num_replicas: 1,
  },
  created: "2026-01-01T00:00:00.123456789Z",
  state: { messages: 3, bytes: 300, first_seq: 1, last_seq: 5, num_subjects: 2 },
  ts: "2026-01-02T00:00:00.123456789Z",
};
const CONSUMER = { name: "c", num_pending: 5, delivered: { consumer_seq: 0, stream_seq: 0 } };
const hdrs = Buffer.from("NATS/1.0\r\nNats-TTL: 5s\r\n\r\n").toString("base64");
const MESSAGE = {
  message: {
    seq: 5,
    subject: "$KV.b.a",
    time: "2026-01-01T00:00:00.123456789Z",
    hdrs,
    data: "dmFsdWU=",
  },
};
const ACK = { stream: "KV_b", seq: 6 };
const ERROR = { error: { code: 404, err_code: 10059, description: "stream not found" } };
const CORPUS = [STREAM, STREAM, CONSUMER, MESSAGE, MESSAGE, ACK, ERROR].map((answer) =>
  JSON.stringify(answer),
);
const CODES: readonly ErrorCode[] = [
  "operation-failed",
  "authorization",
  "bucket-not-found",
  "revision-mismatch",
  "bucket-full",
  "cursor-expired",
  "server-too-old",
];

/** Answers everything with this text, but what is asked for beside it as a server does. */
class AnsweringClient extends FakeClient {
  text = "";
  /** The part of the API that is asked. */
  asked = "";

  override async request(subject: string): Promise<{ json(): unknown }> {
    if (subject.includes(this.asked)) return { json: () => JSON.parse(this.text) as unknown };
    const answer = subject.includes("STREAM.INFO")
      ? STREAM
      : subject.includes("MSG.GET")
        ? MESSAGE
        : CONSUMER;
    return { json: () => answer };
  }

  async rtt(): Promise<number> {
    return 1;
  }

  isClosed(): boolean {
    return true;
  }
}

/** Whatever a server answers is a result with figures that can be used, or an error of ours. */
async function check(text: string): Promise<Verdict> {
  const client = new AnsweringClient();
  client.text = text;
  client.asked = "nothing";
  const clock = new ManualClock();
  await using connection = await fromConnection(client.asClient(), { clock, random: () => 0.5 });
  const bucket = connection.bucket("b");
  const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["STREAM.INFO", () => bucket.info().then(requireUsable)],
    ["MSG.GET", () => bucket.entry("a").then(requireUsable)],
    ["MSG.GET", () => bucket.recordAt(WatchCursor.fromU64(5)).then(requireUsable)],
    ["STREAM.INFO", () => bucket.get("a").then(requireUsable)],
    ["CONSUMER.CREATE", () => bucket.countRecords(allKeys).then(requireUsable)],
    [
      "STREAM.INFO",
      () => bucket.watch(allKeys, { from: WatchCursor.fromU64(4) }).then((watch) => watch.close()),
    ],
    [
      "CONSUMER.CREATE",
      () => bucket.watch(allKeys, { from: WatchCursor.fromU64(4) }).then((watch) => watch.close()),
    ],
    ["$KV.b.a", () => bucket.put("a", Uint8Array.of(1)).then(requireUsable)],
    ["STREAM.", () => connection.createBucket("b")],
    ["API.INFO", () => fromConnection(client.asClient(), { clock }).then((other) => other.close())],
  ];
  const verdicts = new Set<Verdict>();
  for (const [asked, call] of calls) {
    client.asked = asked;
    try {
      await call();
      verdicts.add("accepted");
    } catch (error) {
      verdicts.add(refusal(error, CODES));
    }
  }
  const [first = "refused", ...others] = verdicts;
  return others.length === 0 ? first : "accepted";
}

/** No number in it is none, or not exact where it counts something. */
function requireUsable(found: unknown): void {
  const left = [found];
  for (let at = left.pop(); left.length > 0 || at !== undefined; at = left.pop()) {
    if (typeof at === "number") assert.ok(Number.isFinite(at), `${at} in an answer`);
    if (typeof at === "bigint") assert.ok(at >= 0n, `${at} in an answer`);
    if (typeof at === "object" && at !== null && !(at instanceof Uint8Array))
      left.push(...Object.values(at));
  }
}

export const answersTarget = textTarget({
  name: "answers",
  share: 40,
  check,
  generate: (random) => mutatedText(random, CORPUS),
});
