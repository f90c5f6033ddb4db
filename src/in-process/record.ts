import type { KvRecord, KvRecordHead } from "../kv/index.js";
import { VersionToken, type KvEntry, type KvUpdate, type RemovalReason } from "../values/index.js";

/** One message of the bucket's stream. Never changed once it is stored, `removed` apart. */
export interface StoredRecord {
  readonly sequence: number;
  /** When it was written, in milliseconds since the Unix epoch. */
  readonly time: number;
  readonly key: string;
  readonly kind: "put" | "delete" | "purge";
  readonly value: Uint8Array;
  /** When it goes away by itself, in milliseconds since the Unix epoch. */
  readonly expiresAt: number | undefined;
  readonly version: VersionToken;
  /** What it counts for against the bucket's size limit. */
  readonly bytes: number;
  removed: boolean;
}

export type NewRecord = Omit<StoredRecord, "version" | "bytes" | "removed" | "expiresAt"> & {
  readonly expiresAt?: number | undefined;
};

/** A NATS file store's fixed part of a message: length, sequence, time, subject length and checksum (2.10 source). */
const MESSAGE_BYTES = 30;
const NANOS_A_MS = 1_000_000n;
/** The length field of the headers, and `NATS/1.0` with the one header that a marker or a TTL carries. */
const HEADER_BYTES = 40;

/** Takes ownership of `value`. `subjectPrefixBytes` is the length of what stands before the key in the subject. */
export function storedRecord(record: NewRecord, subjectPrefixBytes: number): StoredRecord {
  const { sequence, time, key, kind, value, expiresAt } = record;
  const headers = kind === "put" && expiresAt === undefined ? 0 : HEADER_BYTES;
  return {
    sequence,
    time,
    key,
    kind,
    value,
    expiresAt,
    version: VersionToken.fromU64(sequence),
    bytes: MESSAGE_BYTES + subjectPrefixBytes + Buffer.byteLength(key) + value.length + headers,
    removed: false,
  };
}

/** The record as a reader gets it: the value is a copy. */
export function entryOf(record: StoredRecord): KvEntry {
  const { key, value, version } = record;
  return { key, value: new Uint8Array(value), version, ...timesOf(record) };
}

/** The record as `KvReader.entry` gives it. */
export function fullRecordOf(record: StoredRecord): KvRecord {
  return { ...entryOf(record), kind: record.kind, ...reasonOf(record) };
}

/** The record as a listing tells of it. */
export function headOf(record: StoredRecord): KvRecordHead {
  const { kind, key, version } = record;
  const timeNs = timeNsOf(record);
  return { kind, key, version, ...reasonOf(record), timeNs, ...timesOf(record) };
}

/** The record as a watch delivers it: the value is a copy. */
export function updateOf(record: StoredRecord): KvUpdate {
  const { kind, key, version } = record;
  return kind === "put"
    ? { kind, key, value: new Uint8Array(record.value), version, ...timesOf(record) }
    : { kind, key, version, ...reasonOf(record), ...timesOf(record) };
}

/** When it was written, in ns since the Unix epoch. */
export function timeNsOf({ time }: StoredRecord): bigint {
  return BigInt(time) * NANOS_A_MS;
}

/** Of the markers only those that expiry leaves go away by themselves. */
function reasonOf({ kind, expiresAt }: StoredRecord): { reason?: RemovalReason } {
  if (kind === "put") return {};
  if (kind === "purge") return { reason: "purged" };
  return { reason: expiresAt === undefined ? "deleted" : "expired" };
}

function timesOf({ time, expiresAt }: StoredRecord): Pick<KvEntry, "timeMs" | "ttlMs"> {
  return expiresAt === undefined ? { timeMs: time } : { timeMs: time, ttlMs: expiresAt - time };
}
