import type { KvRecordHead } from "../kv/index.js";
import { type AgeLimits, expiresAtMs, type KnownCount } from "../rules/index.js";
import type { KvUpdate } from "../values/index.js";

/** Removed keys that are remembered. With more of them no count proves anything; each takes its key and about 100 bytes. */
const MOST_REMOVED = 250_000;
/** What expires this close to now may or may not be at the server any more. */
const EXPIRY_SLACK_MS = 5000;

/** What of a removal says how long the bucket keeps its record. */
type Removal = Pick<KvRecordHead, "timeMs" | "ttlMs">;

/**
 * The keys that the bucket has a record of and the copy does not hold: those that were removed. With the copy's own they are all
 * that a bucket can have, which a count of its records is held against.
 */
export class KnownKeys {
  readonly #isNeeded: boolean;
  #removed = new Map<string, Removal>();
  /** Keys that the copy let expire by its clock, whose record the bucket may still have: lately, and before that. */
  #expired = new Set<string>();
  #expiredBefore = new Set<string>();
  #isExact = false;
  /** Keys touched since an audit began. */
  #touched: Set<string> | undefined;

  /** `isNeeded`: whether anybody counts. Else nothing is remembered. */
  constructor(isNeeded: boolean) {
    this.#isNeeded = isNeeded;
  }

  get isExact(): boolean {
    return this.#isExact;
  }

  /** A state-sync begins: what it brings is all. */
  begin(): void {
    this.#removed.clear();
    this.#expired.clear();
    this.#expiredBefore.clear();
    this.#isExact = false;
  }

  /** All records have been seen since {@link KnownKeys.begin}. */
  complete(): void {
    this.#isExact = this.#removed.size <= MOST_REMOVED;
  }

  /** What has been applied, or was in the copy already. */
  note(updates: readonly KvUpdate[]): void {
    if (!this.#isNeeded) return;
    for (const update of updates) {
      this.#touched?.add(update.key);
      this.#expired.delete(update.key);
      this.#expiredBefore.delete(update.key);
      if (update.kind === "put" || update.version.isUnknown) this.#removed.delete(update.key);
      else this.#removed.set(update.key, update);
      if (update.kind !== "put" && update.reason === "expired" && update.version.isUnknown) {
        this.#expired.add(update.key);
      }
    }
    if (this.#removed.size <= MOST_REMOVED) return;
    this.#removed.clear();
    this.#isExact = false;
  }

  /** `live`: keys with a value in the copy. `timeMs`: the bucket's clock. */
  count(live: number, limits: AgeLimits, timeMs: number): KnownCount {
    let sure = live;
    let unsure = this.#expired.size + this.#expiredBefore.size;
    for (const [key, removal] of this.#removed) {
      const leftMs = expiresAtMs(removal, limits) - timeMs;
      if (leftMs > EXPIRY_SLACK_MS) sure += 1;
      else if (leftMs > -EXPIRY_SLACK_MS) unsure += 1;
      else this.#removed.delete(key);
    }
    return { sure, unsure, isExact: this.#isExact };
  }

  /** A count was equal: what expired well before it has gone at the bucket too. */
  counted(): void {
    this.#expiredBefore = this.#expired;
    this.#expired = new Set();
  }

  /** From here on every key that {@link KnownKeys.note} is told of is remembered, for whoever compares beside the flow. */
  beginAudit(): ReadonlySet<string> {
    this.#touched = new Set();
    return this.#touched;
  }

  /** All removals that a listing since then brought; of keys that were touched meanwhile, what was noted counts. */
  endAudit(listed?: ReadonlyMap<string, Removal>): void {
    const touched = this.#touched;
    this.#touched = undefined;
    if (listed === undefined || touched === undefined) return;
    const removed = new Map<string, Removal>();
    for (const [key, removal] of listed) if (!touched.has(key)) removed.set(key, removal);
    for (const key of touched) {
      const noted = this.#removed.get(key);
      if (noted !== undefined) removed.set(key, noted);
    }
    this.#removed = removed;
    this.#isExact = removed.size <= MOST_REMOVED;
  }
}
