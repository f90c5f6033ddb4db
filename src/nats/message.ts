import type { Msg } from "@nats-io/nats-core";
import { MillpondError } from "../errors/index.js";
import { type RemovalReason, TTL_NEVER_MS } from "../values/index.js";

/** Where a delivered message stands, from its reply subject. */
export interface Delivery {
  readonly streamSequence: number;
  readonly consumerSequence: number;
  /** Messages that the consumer has not delivered yet. */
  readonly pending: number;
  /** When the stream stored it, in ms since 1970. */
  readonly timeMs: number;
  /** The same in ns, as digits: a number would not hold it, and most are never asked for. */
  readonly timeNs: string;
}

/** Of the time in nanoseconds, what is below a millisecond. */
const NANOS_DIGITS = 6;
/** So many always fit into 64 bits, as which a log keeps the time. */
const TIME_DIGITS_MAX = 19;
const ACK = "$JS.ACK.";
/** Dots in a reply subject of the old form, and at least in one of the new. */
const DOTS_V1 = 8;
const DOTS_V2 = 10;
/** Tokens before the stream sequence: `$JS`, `ACK`, stream, consumer and deliveries, with domain and account hash in the new form. */
const LEADING_V1 = 5;
const LEADING_V2 = 7;

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`, or the newer form
 * with domain and account hash before the stream and perhaps a token after pending. `undefined` for anything else, such as
 * the empty reply subject of a status message, or numbers that would not be exact. In one pass over the text: it is done for
 * every message.
 */
export function deliveryOf(reply: string): Delivery | undefined {
  if (!reply.startsWith(ACK)) return undefined;
  let dots = 0;
  for (let at = reply.indexOf("."); at >= 0; at = reply.indexOf(".", at + 1)) dots += 1;
  if (dots !== DOTS_V1 && dots < DOTS_V2) return undefined;
  let start = 0;
  for (let token = dots === DOTS_V1 ? LEADING_V1 : LEADING_V2; token > 0; token -= 1) {
    start = reply.indexOf(".", start) + 1;
  }
  const streamEnd = reply.indexOf(".", start);
  const consumerEnd = reply.indexOf(".", streamEnd + 1);
  const timeEnd = reply.indexOf(".", consumerEnd + 1);
  const pendingEnd = reply.indexOf(".", timeEnd + 1);
  const timeStart = consumerEnd + 1;
  const streamSequence = digits(reply, start, streamEnd);
  const consumerSequence = digits(reply, streamEnd + 1, consumerEnd);
  const pending = digits(reply, timeEnd + 1, pendingEnd < 0 ? reply.length : pendingEnd);
  if (!isExact(streamSequence) || !isExact(consumerSequence) || !isExact(pending)) return undefined;
  const nanosStart = Math.max(timeStart, timeEnd - NANOS_DIGITS);
  const timeMs = nanosStart === timeStart ? 0 : digits(reply, timeStart, nanosStart);
  if (Number.isNaN(timeMs + digits(reply, nanosStart, timeEnd))) return undefined;
  if (timeEnd - timeStart > TIME_DIGITS_MAX) return undefined;
  const timeNs = reply.slice(timeStart, timeEnd);
  return { streamSequence, consumerSequence, pending, timeMs, timeNs };
}

const isExact = Number.isSafeInteger;
const ZERO = 48;
const NINE = 57;

/** The whole number in this part of the text; NaN for anything but digits, one at least. */
function digits(text: string, from: number, to: number): number {
  let value = from < to ? 0 : Number.NaN;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) return Number.NaN;
    value = value * 10 + (code - ZERO);
  }
  return value;
}

const NANOS_A_MS = 1_000_000n;
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[-+]\d\d:\d\d)$/;

/** The time of a stored message, RFC 3339 with up to nine decimals, in ns since 1970; `undefined` for what is none. */
export function nanosOfTime(time: string): bigint | undefined {
  const [, seconds = "", decimals = "", zone = ""] = RFC3339.exec(time) ?? [];
  const ms = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * NANOS_A_MS + BigInt(decimals.padEnd(9, "0"));
}

/** Looks up a header; `""` where there is none. */
export type HeaderLookup = (name: string) => string;

/** A removal, or that it is none. */
export type Meaning =
  | { readonly kind: "put"; readonly reason?: undefined }
  | { readonly kind: "delete" | "purge"; readonly reason: RemovalReason };

const PUT: Meaning = { kind: "put" };
const DELETED: Meaning = { kind: "delete", reason: "deleted" };
const PURGED: Meaning = { kind: "purge", reason: "purged" };
const EXPIRED: Meaning = { kind: "delete", reason: "expired" };
const REMOVED: Meaning = { kind: "delete", reason: "removed" };
const PURGED_BY_OPERATOR: Meaning = { kind: "purge", reason: "removed" };
const EMPTIED: Meaning = { kind: "delete", reason: "emptied" };

/**
 * What a record means. Markers are of a client (`KV-Operation`) or, from 2.11 on, of the server, which writes them where a
 * time to live or a limit removed a key (`Nats-Marker-Reason`: MaxAge), or an operator did (Remove, Purge). All of them are
 * removals, and where `emptyValueIsDelete` so is a value without bytes.
 */
export function meaningOf(
  header: HeaderLookup | undefined,
  size: number,
  emptyValueIsDelete: boolean,
): Meaning {
  const found = header === undefined ? PUT : meaningOfHeaders(header);
  return found === PUT && size === 0 && emptyValueIsDelete ? EMPTIED : found;
}

function meaningOfHeaders(header: HeaderLookup): Meaning {
  switch (header("KV-Operation")) {
    case "DEL":
      return DELETED;
    case "PURGE":
      return PURGED;
    default:
  }
  switch (header("Nats-Marker-Reason")) {
    case "":
      return PUT;
    case "MaxAge":
      return EXPIRED;
    case "Purge":
      return PURGED_BY_OPERATOR;
    default:
      return REMOVED;
  }
}

/** `Nats-TTL` in Go's units of time; a fraction of a millisecond does not matter. */
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/;
/** The longest duration of Go's, 292 years: what is said to be longer lasts as long. A log would not keep every number exactly. */
const TTL_MS_MAX = 9_223_372_036_854;

/**
 * What a `Nats-TTL` header means, in ms: whole seconds, a duration such as `1h30m` (2.11 source), or `never`, which a bucket's age
 * limit does not touch either (seen on 2.15). `undefined` where there is none, and for what a server would not have taken.
 */
export function ttlMsOf(header: HeaderLookup | undefined): number | undefined {
  const text = header?.("Nats-TTL") ?? "";
  if (text === "never") return TTL_NEVER_MS;
  if (/^\d+$/.test(text)) return boundedTtl(Number(text) * 1000);
  if (!DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(h|ms|m|s)/g)) {
    ms += Number(amount) * (UNIT_MS[unit as string] as number);
  }
  return boundedTtl(ms);
}

function boundedTtl(ms: number): number | undefined {
  return Math.min(Math.floor(ms), TTL_MS_MAX) || undefined;
}

/**
 * The headers of a message that was delivered; `undefined` where it has none. The client (3.4.0) throws where a name or a value is
 * one that it would not send itself, as of other clients and raw publishers; those are read here, as the reader of single keys
 * reads them. Throws `watch-error` where they cannot be found.
 */
export function headersOf(message: Msg): HeaderLookup | undefined {
  try {
    const { headers } = message;
    return headers === undefined ? undefined : (name) => headers.get(name);
  } catch (cause) {
    return headersBefore(message, cause);
  }
}

/** The client's bytes of a message are one piece: its headers, and behind them its data. */
function headersBefore(message: Msg, cause: unknown): HeaderLookup {
  const { data, subject, reply = "" } = message;
  // Past the client's types, but all of its messages have it.
  const { size = () => 0 } = message as { size?: () => number };
  const length =
    size.call(message) - data.length - Buffer.byteLength(subject) - Buffer.byteLength(reply);
  const start = data.byteOffset - length;
  if (length > 0 && start >= 0) {
    return lookupIn(Buffer.from(data.buffer, start, length).toString());
  }
  throw new MillpondError(
    "watch-error",
    `the headers of ${JSON.stringify(subject)} cannot be read`,
    {
      cause,
      hint: "Write that key again, with headers of printable ASCII.",
    },
  );
}

/** The headers of a stored message, as the API gives them: base64 of the lines that a publisher sent. */
export function storedHeaders(base64: string): HeaderLookup {
  return lookupIn(Buffer.from(base64, "base64").toString("utf8"));
}

/** Of several of a name the first counts, as for the client. */
function lookupIn(text: string): HeaderLookup {
  const found = new Map<string, string>();
  for (const line of text.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (colon > 0 && !found.has(name)) found.set(name, line.slice(colon + 1).trim());
  }
  return (name) => found.get(name) ?? "";
}
