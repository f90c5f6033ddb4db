import type { KvRecordHead } from "../kv/index.js";
import { type AgeLimits, expiresAtMs, type KnownCount } from "../rules/index.js";
import type { KvRemoval, KvUpdate } from "../values/index.js";

/**
 * Keys without a value that are remembered, of those removed and of those that expired each. With more of them no count proves anything;
 * each takes its key and about 100 bytes.
 */
const MOST_REMEMBERED = 250_000;
/** What expires this close to now may or may not be at the server any more. */
const EXPIRY_SLACK_MS = 5000;
/** A record that is at the server for longer after the copy let it expire was not to go: it no longer passes as one that may go. */
const LONGEST_EXPIRY_MS = 60_000;

/** What of a removal says how long the bucket keeps its record. */
type Removal = Pick<KvRecordHead, "timeMs" | "ttlMs">;

/** What an audit saw of the bucket. */
interface Listed {
  /** All removals. */
  readonly removed: ReadonlyMap<string, Removal>;
  /** Records with a value that the copy had not at that moment. */
  readonly differing: ReadonlyMap<string, unknown>;
  /** Of those, what the copy is not to have any more. */
  readonly leftToExpire: ReadonlySet<string>;
}

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
  /** When the one was made the other, by the bucket's clock. */
  #expiryTurnedMs = -Infinity;
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
    this.#forget();
  }

  /** All records have been seen since {@link KnownKeys.begin}. */
  complete(): void {
    this.#isExact = this.#removed.size <= MOST_REMEMBERED;
  }

  /** What has been applied, or was in the copy already. */
  note(updates: readonly KvUpdate[]): void {
    if (!this.#isNeeded) return;
    for (const { key } of updates) this.#touched?.add(key);
    this.#take(updates);
  }

  /**
   * What a floor left behind, and goes now. That is no word about what the key has: in a history that the bucket was rolled back to it may have
   * another record, which an audit beside this has to bring.
   */
  noteSwept(removals: readonly KvRemoval[]): void {
    if (this.#isNeeded) this.#take(removals);
  }

  #take(updates: readonly KvUpdate[]): void {
    for (const update of updates) {
      // Mostly there are none, and to look for a key takes its hash.
      if (this.#expired.size > 0) this.#expired.delete(update.key);
      if (this.#expiredBefore.size > 0) this.#expiredBefore.delete(update.key);
      if (update.kind === "put" || update.version.isUnknown) {
        if (this.#removed.size > 0) this.#removed.delete(update.key);
      } else this.#removed.set(update.key, update);
      if (update.kind !== "put" && update.reason === "expired" && update.version.isUnknown) {
        this.#expired.add(update.key);
      }
    }
    const expired = this.#expired.size + this.#expiredBefore.size;
    if (Math.max(this.#removed.size, expired) > MOST_REMEMBERED) this.#forget();
  }

  /** `live`: keys with a value in the copy. `timeMs`: the bucket's clock. */
  count(live: number, limits: AgeLimits, timeMs: number): KnownCount {
    this.#turnExpired(timeMs);
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

  /** From here on every key that {@link KnownKeys.note} is told of is remembered, for whoever compares beside the flow. */
  beginAudit(): ReadonlySet<string> {
    this.#touched = new Set();
    return this.#touched;
  }

  /** What a listing since then brought, once all of it is mended; of keys that were touched meanwhile, what was noted counts. */
  endAudit(listed?: Listed): void {
    const touched = this.#touched;
    this.#touched = undefined;
    if (listed === undefined || touched === undefined) return;
    const removed = new Map<string, Removal>();
    for (const [key, removal] of listed.removed) if (!touched.has(key)) removed.set(key, removal);
    for (const key of touched) {
      const noted = this.#removed.get(key);
      if (noted !== undefined) removed.set(key, noted);
    }
    this.#removed = removed;
    // Of any other the bucket has no record any more, or the copy has it again.
    const mayBeThere = (key: string): boolean => touched.has(key) || listed.differing.has(key);
    this.#expired = new Set([...this.#expired].filter(mayBeThere));
    this.#expiredBefore = new Set([...this.#expiredBefore].filter(mayBeThere));
    // An earlier process may have let it expire: here nothing else tells that it may still be counted.
    for (const key of listed.leftToExpire) if (!touched.has(key)) this.#expired.add(key);
    this.#isExact = removed.size <= MOST_REMEMBERED;
  }

  /** Lets go of what expired long ago, by two generations, so that no key needs a time of its own. */
  #turnExpired(timeMs: number): void {
    const sinceMs = Math.abs(timeMs - this.#expiryTurnedMs);
    if (sinceMs < LONGEST_EXPIRY_MS) return;
    this.#expiredBefore = this.#expired;
    this.#expired = new Set();
    this.#expiryTurnedMs = timeMs;
  }

  #forget(): void {
    this.#removed.clear();
    this.#expired.clear();
    this.#expiredBefore.clear();
    this.#isExact = false;
  }
}
