import { isUtf8 } from "node:buffer";
import { InvalidFormatError } from "../../errors/index.js";
import { VersionToken, WatchCursor, type KvUpdate, type LogPosition } from "../../values/index.js";
import { ORIGIN_BYTES_MAX, TOKEN_BYTES_MAX, VALUE_BYTES_MAX } from "../limits.js";
import {
  BATCH_FIXED_BYTES,
  BATCH_HAS_ORIGIN,
  BATCH_HAS_POSITION,
  RECORD_DELETE,
  RECORD_FIXED_BYTES,
  RECORD_HAS_TIME,
  RECORD_HAS_TTL,
  RECORD_KIND_MASK,
  RECORD_PURGE,
  RECORD_PUT,
  TIME_BYTES,
} from "./format.js";
import { readU32 } from "./head.js";

/** What one batch frame says. */
export interface Batch {
  readonly updates: KvUpdate[];
  /** Undefined where it says none. Its origin is undefined where it does not name one: the one before holds. */
  readonly position: LogPosition | undefined;
}

const RECORD_RESERVED = 0xc0;
const NO_VALUE = new Uint8Array(0);

/** What stands before the records of a batch frame. */
export interface BatchHead extends Pick<Batch, "position"> {
  /** Where in the body the records start, and how many there are said to be. */
  readonly recordsAt: number;
  readonly records: number;
}

/** Reads and checks the body of a batch frame. Throws `invalid-format`, without path and offset, for a malformed one. */
export function parseBatch(body: Buffer, withoutValues: boolean): Batch {
  const { position, recordsAt, records } = parseBatchHead(body);
  return { updates: new RecordParser(body, recordsAt, withoutValues).all(records), position };
}

/** As {@link parseBatch}, and looks at no record. */
export function parseBatchHead(body: Buffer): BatchHead {
  if (body.length < BATCH_FIXED_BYTES) throw malformed("it is too short");
  const flags = body[0] as number;
  const cursorBytes = body[1] as number;
  const hasPosition = (flags & BATCH_HAS_POSITION) !== 0;
  const hasOrigin = (flags & BATCH_HAS_ORIGIN) !== 0;
  if (flags > 3 || body.readUInt16LE(2) !== 0) throw malformed("reserved bits are set");
  if (cursorBytes > TOKEN_BYTES_MAX) throw malformed("a cursor of more than 10 bytes");
  const cursorTimeNs = body.readBigUInt64LE(8);
  if (!hasPosition && (hasOrigin || cursorBytes > 0 || cursorTimeNs > 0n)) {
    throw malformed("it says what a position is, and that it has none");
  }
  let at = BATCH_FIXED_BYTES + cursorBytes;
  if (at > body.length) throw malformed("its cursor runs past its end");
  const cursor = WatchCursor.fromBytes(body.subarray(BATCH_FIXED_BYTES, at));
  let origin: string | undefined;
  if (hasOrigin) {
    const text = originAt(body, at);
    origin = text.toString("utf8");
    at += 4 + text.length;
  }
  return {
    position: hasPosition ? { cursor, cursorTimeNs, origin } : undefined,
    recordsAt: at,
    records: readU32(body, 4),
  };
}

/** Reads records by themselves. Throws as {@link parseBatch}. */
export function parseRecords(records: Buffer, count: number): KvUpdate[] {
  return new RecordParser(records, 0, false).all(count);
}

function originAt(body: Buffer, at: number): Buffer {
  if (at + 4 > body.length) throw malformed("its origin runs past its end");
  const bytes = readU32(body, at);
  if (bytes > ORIGIN_BYTES_MAX) throw malformed("an origin of more than 1 MiB");
  const end = at + 4 + bytes;
  if (end > body.length) throw malformed("its origin runs past its end");
  const text = body.subarray(at + 4, end);
  if (!isUtf8(text)) throw malformed("an origin that is not UTF-8");
  return text;
}

class RecordParser {
  readonly #body: Buffer;
  readonly #withoutValues: boolean;
  #at: number;

  constructor(body: Buffer, at: number, withoutValues: boolean) {
    this.#body = body;
    this.#at = at;
    this.#withoutValues = withoutValues;
  }

  /** Exactly `count`, which end exactly at the body's end. Nothing is allocated on the count's word. */
  all(count: number): KvUpdate[] {
    const updates: KvUpdate[] = [];
    for (let index = 0; index < count; index += 1) updates.push(this.#next());
    if (this.#at < this.#body.length) throw malformed("bytes follow its last record");
    return updates;
  }

  #next(): KvUpdate {
    const body = this.#body;
    const start = this.#at;
    if (start + RECORD_FIXED_BYTES > body.length) throw malformed("a record runs past its end");
    const flags = body[start] as number;
    const kind = flags & RECORD_KIND_MASK;
    if ((flags & RECORD_RESERVED) !== 0) throw malformed("reserved bits of a record are set");
    if (kind < RECORD_PUT || kind > RECORD_PURGE) throw malformed("an unknown kind of record");
    const versionBytes = body[start + 1] as number;
    if (versionBytes > TOKEN_BYTES_MAX) throw malformed("a version of more than 10 bytes");
    const valueBytes = readU32(body, start + 4);
    if (valueBytes > (kind === RECORD_PUT ? VALUE_BYTES_MAX : 0)) {
      throw malformed(
        kind === RECORD_PUT ? "a value of more than 16 MiB" : "a removal with a value",
      );
    }
    const keyStart = start + RECORD_FIXED_BYTES;
    const valueStart = keyStart + body.readUInt16LE(start + 2);
    const versionStart = valueStart + valueBytes;
    const timesStart = versionStart + versionBytes;
    const ttlStart = timesStart + ((flags & RECORD_HAS_TIME) === 0 ? 0 : TIME_BYTES);
    this.#at = ttlStart + ((flags & RECORD_HAS_TTL) === 0 ? 0 : TIME_BYTES);
    if (this.#at > body.length) throw malformed("a record runs past its end");
    const key = keyIn(body, keyStart, valueStart);
    const version = VersionToken.fromBytes(body.subarray(versionStart, timesStart));
    const times = {
      ...(ttlStart > timesStart ? { timeMs: u64(body, timesStart) } : {}),
      ...(this.#at > ttlStart ? { ttlMs: u64(body, ttlStart) } : {}),
    };
    if (kind !== RECORD_PUT) {
      return { kind: kind === RECORD_DELETE ? "delete" : "purge", key, version, ...times };
    }
    const value = this.#withoutValues
      ? NO_VALUE
      : new Uint8Array(body.subarray(valueStart, versionStart));
    return { kind: "put", key, value, version, ...times };
  }
}

function keyIn(body: Buffer, start: number, end: number): string {
  const key = body.toString("utf8", start, end);
  // The decoder puts U+FFFD where bytes are wrong; a key may also hold that character rightly.
  if (key.includes("\uFFFD") && !isUtf8(body.subarray(start, end))) {
    throw malformed("a key that is not UTF-8");
  }
  return key;
}

/** To the nearest number: times beyond 2^53 ms are no times. */
function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

function malformed(what: string): InvalidFormatError {
  return new InvalidFormatError(`a batch is malformed (${what})`);
}
