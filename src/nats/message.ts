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
 * the empty reply subject of a status message. In one pass over the text: it is done for every message.
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
  const streamSequence = digits(reply, start, streamEnd);
  const consumerSequence = digits(reply, streamEnd + 1, consumerEnd);
  const timeMs = digits(reply, consumerEnd + 1, timeEnd - NANOS_DIGITS);
  const pending = digits(reply, timeEnd + 1, pendingEnd < 0 ? reply.length : pendingEnd);
  if (Number.isNaN(streamSequence + consumerSequence + pending + timeMs)) return undefined;
  const timeNs = reply.slice(consumerEnd + 1, timeEnd);
  return { streamSequence, consumerSequence, pending, timeMs, timeNs };
}

const ZERO = 48;
const NINE = 57;

/** The whole number in this part of the text, 0 where it is empty; NaN for anything but digits. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) return Number.NaN;
    value = value * 10 + (code - ZERO);
  }
  return value;
}

const NANOS_A_MS = 1_000_000n;
const RFC3339 = /^(.*:\d\d)(?:\.(\d{1,9}))?(Z|[-+]\d\d:\d\d)$/;

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

/**
 * What a `Nats-TTL` header means, in ms: whole seconds, a duration such as `1h30m` (2.11 source), or `never`, which a bucket's age
 * limit does not touch either (seen on 2.15). `undefined` where there is none, and for what a server would not have taken.
 */
export function ttlMsOf(header: HeaderLookup | undefined): number | undefined {
  const text = header?.("Nats-TTL") ?? "";
  if (text === "never") return TTL_NEVER_MS;
  if (/^\d+$/.test(text)) return Number(text) * 1000 || undefined;
  if (!DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(h|ms|m|s)/g)) {
    ms += Number(amount) * (UNIT_MS[unit as string] as number);
  }
  return Math.floor(ms) || undefined;
}

/** The headers of a stored message, as the API gives them: base64 of the lines that a publisher sent. */
export function storedHeaders(base64: string): HeaderLookup {
  const found = new Map<string, string>();
  for (const line of Buffer.from(base64, "base64").toString("utf8").split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon > 0) found.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return (name) => found.get(name) ?? "";
}
