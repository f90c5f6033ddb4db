import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import * as fc from "fast-check";
import { isMillpondError } from "../../../src/errors/index.js";
import { allKeys, type KvRecord } from "../../../src/kv/index.js";
import { parseBatch } from "../../../src/log/v3/batch.js";
import { JetStreamApi } from "../../../src/nats/api.js";
import { listRecords } from "../../../src/nats/listing.js";
import { Link } from "../../../src/nats/link.js";
import { PullConsumer } from "../../../src/nats/pull-consumer.js";
import { WatchArrivals } from "../../../src/nats/watch-arrivals.js";
import { WatchProgress } from "../../../src/nats/watch-progress.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import type { KvUpdate } from "../../../src/values/index.js";
import { FakeClient } from "../../support/fake-client.js";
import { bodyOf } from "../../support/record-batch.js";
import { jsonOf } from "../arbitrary.js";
import { delivered } from "../../support/delivered-message.js";
import { textTarget, type Verdict } from "../target.js";

/** As it comes over the line: the headers are their lines. */
interface Sent {
  readonly key: string;
  readonly reply: string;
  readonly lines: string;
  readonly data: string;
}

const number = fc.oneof(
  fc.nat({ max: 20 }).map(String),
  fc.constantFrom(
    "9007199254740992",
    "18446744073709551616",
    "1e999",
    "1.5",
    "-1",
    "",
    "x",
    "0x10",
  ),
);
const small = (value: number): fc.Arbitrary<string> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(String(value)) }, { weight: 1, arbitrary: number });
const reply = fc
  .tuple(
    small(3),
    small(1),
    fc.oneof({ weight: 4, arbitrary: fc.constant("1795351190875081963") }, number),
    small(0),
  )
  .map((parts) => `$JS.ACK.KV_b.c.1.${parts.join(".")}`);
const status = fc
  .tuple(fc.constantFrom(100, 100, 100, 404, 408, 409, 503), number, number)
  .map(
    ([code, stream, consumer]) =>
      `NATS/1.0 ${code} Idle\r\nNats-Last-Stream: ${stream}\r\nNats-Last-Consumer: ${consumer}\r\n\r\n`,
  );
const marks = fc
  .tuple(
    fc.constantFrom("KV-Operation", "Nats-Marker-Reason", "Nats-TTL", "Nats-Msg-Size", "X"),
    fc.oneof(number, fc.constantFrom("DEL", "PURGE", "MaxAge", "Remove", "5s", "never")),
  )
  .map(([name, value]) => `NATS/1.0\r\n${name}: ${value}\r\n\r\n`);
const record = fc.record({
  key: fc.oneof(fc.constantFrom("a", "b.c", "ü"), fc.string({ unit: "grapheme", maxLength: 5 })),
  reply,
  lines: fc.oneof(fc.constant(""), marks),
  data: fc.string({ maxLength: 5 }),
});
const told = fc.record({
  key: fc.constant("x"),
  reply: fc.constant(""),
  lines: status,
  data: fc.constant(""),
});
const sent = fc.array(fc.oneof(record, told), { maxLength: 4 });

/**
 * Whatever a consumer delivers, nothing is thrown into the client: the watch and the listing go on or are lost. What they give out a log
 * keeps as it is, and a cursor can be made of where they are.
 */
async function check(text: string): Promise<Verdict> {
  const messages = parsed(text);
  if (messages === undefined) return "refused";
  const updates = await watched(messages);
  const listed = await listedOf(messages);
  for (const update of updates) {
    const { updates: read } = parseBatch(Buffer.from(bodyOf([update])), false);
    const { kind, key, version, timeMs, ttlMs } = read[0] ?? assert.fail("it is not written");
    const wanted = [update.kind, update.key, update.version, update.timeMs, update.ttlMs];
    assert.deepEqual([kind, key, version, timeMs, ttlMs], wanted);
  }
  return updates.length + listed > 0 ? "accepted" : "watch-error";
}

function isSent(value: unknown): value is Sent {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  return ["key", "reply", "lines", "data"].every((name) => typeof fields[name] === "string");
}

function parsed(text: string): Sent[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(isSent) ? value : undefined;
  } catch {
    return undefined;
  }
}

function messageOf({ key, reply: to, lines, data }: Sent): Partial<Msg> {
  // What comes over a line is UTF-8.
  const subject = Buffer.from(`$KV.b.${key}`).toString();
  if (lines !== "")
    return delivered(Buffer.from(lines), { subject, reply: to, data: Buffer.from(data) });

  const message = {
    subject,
    reply: Buffer.from(to).toString(),
    data: Uint8Array.from(Buffer.from(data)),
  };
  return message;
}

function connected(): { client: FakeClient; api: JetStreamApi } {
  const client = new FakeClient();
  const clock = new ManualClock();
  const link = new Link({
    requestTimeoutMs: 1000,
    inboxPrefix: undefined,
    clock,
    random: () => 0.5,
  });
  link.attach(client.asClient());
  return { client, api: new JetStreamApi(link) };
}

async function watched(messages: readonly Sent[]): Promise<KvUpdate[]> {
  const { client, api } = connected();
  const arrivals = new WatchArrivals({
    bucket: "b",
    scope: allKeys,
    emptyValueIsDelete: false,
    frontier: 2,
    head: 5,
    hasTtl: true,
    clock: new ManualClock(),
    wake: () => undefined,
  });
  const spec = { stream: "KV_b", filters: ["$KV.b.>"], start: "last-per-key" as const };
  const consumer = await PullConsumer.create(api, spec, arrivals);
  const progress = new WatchProgress(2, 5);
  const updates: KvUpdate[] = [];
  consumer.pull();
  for (const message of messages) {
    client.send(messageOf(message));
    const arrived = arrivals.take();
    if (arrived === undefined) continue;
    const batch = progress.commit(arrived, { first: 1, head: 5 }, false);
    const { cursorTimeNs = 0n, cursor } = batch;
    assert.ok(cursorTimeNs >= 0n && cursorTimeNs < 2n ** 64n, `${cursorTimeNs}`);
    bodyOf([], { cursor, cursorTimeNs, origin: undefined });
    updates.push(...batch.updates);
  }
  await consumer.close();
  api.link.end();
  return updates;
}

async function listedOf(messages: readonly Sent[]): Promise<number> {
  const { client, api } = connected();
  const options = { scope: allKeys, headersOnly: true, emptyValueIsDelete: true, hasTtl: true };
  const records: KvRecord[] = [];
  const listing = (async () => {
    for await (const each of listRecords(api, "b", options)) records.push(each);
  })();
  // Ended by the server, if by nothing before.
  const ended = listing.catch((error: unknown) => assert.ok(isMillpondError(error), String(error)));
  for (let turn = 0; turn < 20 && client.published.length === 0; turn += 1) await Promise.resolve();
  for (const message of messages) client.send(messageOf(message));
  client.tell(503, "gone");
  await ended;
  for (const { timeMs, ttlMs = 1 } of records) {
    assert.ok(Number.isSafeInteger(timeMs) && Number.isSafeInteger(ttlMs));
  }
  return records.length;
}

export const deliveredTarget = textTarget({
  name: "delivered",
  share: 150,
  check,
  ...jsonOf(sent),
});
