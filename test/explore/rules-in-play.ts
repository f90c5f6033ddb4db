import type * as production from "../../src/rules/index.js";
import { VersionToken, WatchCursor } from "../../src/values/index.js";
import { datedOf } from "./bucket-kind.js";
import type { StreamRecord } from "./world.js";

/** The rules that decide, as the replica calls them. A variant breaks one. */
export type Rules = Pick<
  typeof production,
  | "resumeIsSound"
  | "mayResume"
  | "bucketAccountsFor"
  | "isRolledBack"
  | "dropsUnseen"
  | "removalBelowFloor"
  | "sameRecord"
  | "countVerdict"
  | "auditIsDue"
  | "judgeKey"
  | "isBehindFlow"
  | "laterCursor"
  | "expiresAtMs"
  | "markersOutlast"
  | "retains"
  | "outlives"
>;

export interface Model {
  readonly rules: Rules;
  /** Without, the copy is taken for level as soon as a look at the stream says so: shows what the other rules are there for. */
  readonly counts: boolean;
}

const MS = 1_000_000n;
const NO_VALUE = new Uint8Array();
/** Shared, for speed: the rules only read them. */
const versions = Array.from({ length: 64 }, (_, seq) => VersionToken.fromU64(seq));
const cursors = Array.from({ length: 64 }, (_, seq) => WatchCursor.fromU64(seq));

export function versionOf(seq: number): VersionToken {
  return versions[seq] ?? VersionToken.fromU64(seq);
}

/** None below 0. */
export function cursorOf(seq: number): WatchCursor {
  return cursors[seq] ?? WatchCursor.none;
}

export function nanosOf(time: number): bigint {
  return BigInt(time) * MS;
}

export function entryOf(record: StreamRecord) {
  return { key: "", value: NO_VALUE, version: versionOf(record.seq), ...datedOf(record) };
}

/** What a listing tells of a record. */
export function headOf(record: StreamRecord) {
  return {
    kind: record.isPut ? "put" : "delete",
    version: versionOf(record.seq),
    timeMs: record.time,
  } as const;
}
