import assert from "node:assert/strict";
import {
  deliveryOf,
  headersOf,
  meaningOf,
  nanosOfTime,
  storedHeaders,
  ttlMsOf,
} from "../../../src/nats/message.js";
import { TTL_NEVER_MS, VersionToken } from "../../../src/values/index.js";
import { delivered } from "../../support/delivered-message.js";
import { mutatedText } from "../mutate.js";
import { textTarget, type Target, type Verdict } from "../target.js";

const REPLIES = [
  "$JS.ACK.KV_b.c1.1.12.3.1795351190875081963.7",
  "$JS.ACK._.acc.KV_b.c1.1.12.3.1795351190875081963.7",
  "$JS.ACK.hub.acc.KV_b.c1.1.12.3.1795351190875081963.7.token",
  "$JS.ACK.KV_b.c1.1.9007199254740991.1.999999.0",
  "_INBOX.abc.def",
  "",
];
const NUMBERS = String.raw`(\d+)\.(\d+)\.(\d+)\.(\d+)`;
const OLD = new RegExp(String.raw`^\$JS\.ACK\.[^.]*\.[^.]*\.[^.]*\.${NUMBERS}$`);
const NEW = new RegExp(String.raw`^\$JS\.ACK\.(?:[^.]*\.){5}${NUMBERS}(?:\..*)?$`, "s");
/** Times are 64-bit, and 19 digits always fit into that. */
const TIME_DIGITS_MAX = 19;

/** A reply subject is read where it has the form and numbers that are exact, and then as they stand. */
function checkReply(reply: string): Verdict {
  const found = deliveryOf(reply);
  const dots = reply.split(".").length - 1;
  const match = dots === 8 ? OLD.exec(reply) : NEW.exec(reply);
  const [stream, consumer, timeNs = "", pending] = match?.slice(1) ?? [];
  const numbers = [stream, consumer, pending].map(Number);
  if (match === null || !numbers.every(Number.isSafeInteger) || timeNs.length > TIME_DIGITS_MAX) {
    assert.equal(found, undefined);
    return "refused";
  }
  const [streamSequence, consumerSequence, left] = numbers;
  const timeMs = Number(BigInt(timeNs) / 1_000_000n);
  assert.deepEqual(found, { streamSequence, consumerSequence, pending: left, timeMs, timeNs });
  VersionToken.fromU64(found?.streamSequence ?? -1);
  return "accepted";
}

const TTLS = [
  "5",
  "5s",
  "1h30m",
  "1m0.5s",
  "1500ms",
  "never",
  "0",
  "0s",
  "9223372036s",
  "106751d",
  "",
];

/** A time to live is none, or a whole number of ms that a log keeps exactly. */
function checkTtl(text: string): Verdict {
  const ms = ttlMsOf(() => text);
  if (ms === undefined) return "refused";
  assert.ok(Number.isSafeInteger(ms) && ms > 0, `${ms}`);
  assert.equal(text === "never", ms === TTL_NEVER_MS);
  return "accepted";
}

const TIMES = [
  "2026-11-22T18:58:27.123456789Z",
  "2026-11-22T20:58:27.5+02:00",
  "1970-01-01T00:00:01Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999Z",
];

/** A time is none, or that which `Date` reads too, to the ms. */
function checkTime(text: string): Verdict {
  const nanos = nanosOfTime(text);
  if (nanos === undefined) return "refused";
  const [seconds = "", zone = ""] = text.split(/\.\d+/);
  const ms =
    Date.parse(`${seconds}${zone}`) + Number(`0${/\.\d{1,3}/.exec(text)?.[0] ?? ""}`) * 1000;
  const whole = nanos - (((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n);
  assert.equal(whole / 1_000_000n, BigInt(Math.round(ms)));
  return "accepted";
}

const HEADERS = [
  "NATS/1.0\r\nKV-Operation: DEL\r\n\r\n",
  "NATS/1.0\r\nKV-Operation: PURGE\r\nNats-Rollup: sub\r\n\r\n",
  "NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 5s\r\n\r\n",
  "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Stream: 5\r\n\r\n",
  "NATS/1.0\r\nKV-Operation: PUT\r\nKV-Operation: DEL\r\n\r\n",
  "NATS/1.0\r\nA:b\r\nkv-operation: DEL\r\n : x\r\n\r\n",
];
const NAMES = ["KV-Operation", "Nats-Marker-Reason", "Nats-TTL", "Nats-Last-Stream", "A"];

/** A record's headers say the same whether it was delivered, when the client reads them, or read, when we do. */
function checkHeaders(text: string): Verdict {
  const bytes = Buffer.from(text);
  const stored = storedHeaders(bytes.toString("base64"));
  const decoded = headersOf(delivered(bytes));
  if (decoded === undefined) throw new Error("it has none");
  for (const name of NAMES) assert.equal(stored(name), decoded(name), name);
  const meaning = meaningOf(stored, 1, false);
  assert.deepEqual(meaning, meaningOf(decoded, 1, false));
  return meaning.kind === "put" ? "refused" : "accepted";
}

function textOf(name: string, corpus: readonly string[], check: (text: string) => Verdict): Target {
  return textTarget({
    name,
    share: 1000,
    check,
    generate: (random) => mutatedText(random, corpus),
  });
}

export const messageTargets = [
  textOf("reply", REPLIES, checkReply),
  textOf("ttl", TTLS, checkTtl),
  textOf("time", TIMES, checkTime),
  textOf("headers", HEADERS, checkHeaders),
];
