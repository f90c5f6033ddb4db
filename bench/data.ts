import { VersionToken, WatchCursor, type KvPut } from "../src/values/index.js";

export const KEY_BYTES = 60;
export const VALUE_BYTES = 200;
/** Key, value, version and the 12 bytes that format v2 adds: what is called the payload of an entry. */
export const PAYLOAD_BYTES = 280;
export const CHECKPOINT_RECORDS = 100;
/** So many keys share a prefix. */
export const GROUP_KEYS = 1000;

const DIGITS = 10;
const ZERO = 0x30;
const START = "routes.g";
const GROUP_AT = START.length;
const NUMBER_AT = GROUP_AT + DIGITS + ".h".length;
/** Few enough to stay in the processor's nearer caches, where a value that was just received is. */
const VALUES = 256;
const NOT_LATER = 0xffff_ffff;

export interface Batch {
  readonly updates: readonly KvPut[];
  readonly cursor: WatchCursor;
}

/** The keys and values of a run: the same for the same seed, in every process. */
export class Dataset {
  readonly keys: number;
  readonly seed: number;
  readonly #key = Buffer.from(`${START}${"0".repeat(DIGITS)}.h`.padEnd(KEY_BYTES, "-"), "latin1");
  readonly #values: readonly Uint8Array[];

  constructor(keys: number, seed: number) {
    this.keys = keys;
    this.seed = seed;
    const random = randomFrom(seed);
    const bytes = new Uint8Array(VALUES * VALUE_BYTES).map(() => Math.floor(random() * 256));
    this.#values = Array.from({ length: VALUES }, (_, index) =>
      bytes.subarray(index * VALUE_BYTES, (index + 1) * VALUE_BYTES),
    );
  }

  /**
   * The key of this number, e.g. `routes.g0000000012.h0000012345-…`: a new flat string each time, as one that was decoded from
   * a message is, so that no hash is remembered from the last use.
   */
  key(index: number): string {
    return this.#flatKey(index, "-");
  }

  /** A key that nothing is written to, next to the one of this number. */
  absentKey(index: number): string {
    return this.#flatKey(index, "+");
  }

  /** What the keys of a group start with, and no other key does. */
  prefix(group: number): string {
    return `${START}${String(group).padStart(DIGITS, "0")}.`;
  }

  /** What the write with this revision writes. */
  value(revision: number): Uint8Array {
    const mixed = Math.imul(revision + this.seed, 0x9e37_79b1) >>> 0;
    return this.#values[mixed % VALUES] as Uint8Array;
  }

  put(index: number, revision: number): KvPut {
    const version = VersionToken.fromU64(revision);
    return { kind: "put", key: this.key(index), value: this.value(revision), version };
  }

  /** All key numbers, shuffled; another `salt` gives another order. */
  shuffled(salt = 0): Uint32Array {
    const random = randomFrom(this.seed + salt);
    const order = new Uint32Array(this.keys).map((_, index) => index);
    for (let index = order.length - 1; index > 0; index -= 1) {
      const other = Math.floor(random() * (index + 1));
      const kept = order[index] as number;
      order[index] = order[other] as number;
      order[other] = kept;
    }
    return order;
  }

  /** `count` key numbers by chance, with repetitions. */
  sample(count: number, salt: number): Uint32Array {
    const random = randomFrom(this.seed + salt);
    return new Uint32Array(count).map(() => Math.floor(random() * this.keys));
  }

  /**
   * `records` puts, {@link CHECKPOINT_RECORDS} a batch, revisions from 1: first every key once in a shuffled order, then keys
   * by chance. Comes in blocks, so that making them can be kept out of what is timed;
   * in small ones, which have become garbage before a collection would copy them.
   */
  *blocks(records: number, blockRecords = 1000): Generator<readonly Batch[]> {
    const order = this.shuffled();
    const random = randomFrom(this.seed + 1);
    const indexAt = (at: number): number => order[at] ?? Math.floor(random() * this.keys);
    for (let from = 0; from < records; from += blockRecords) {
      const block: Batch[] = [];
      const to = Math.min(records, from + blockRecords);
      for (let at = from; at < to; at += CHECKPOINT_RECORDS) {
        block.push(this.#batch(at, Math.min(to, at + CHECKPOINT_RECORDS), indexAt));
      }
      yield block;
    }
  }

  /** By digits and without strings of its own: their collection would fall into the time of what is measured. */
  #flatKey(index: number, last: string): string {
    const key = this.#key;
    let group = Math.floor(index / GROUP_KEYS);
    for (let at = GROUP_AT + DIGITS - 1; at >= GROUP_AT; at -= 1) {
      key[at] = ZERO + (group % 10);
      group = Math.floor(group / 10);
    }
    let number = index;
    // The fastest digit first, so that neighbours by number are none by key.
    for (let at = NUMBER_AT; at < NUMBER_AT + DIGITS; at += 1) {
      key[at] = ZERO + (number % 10);
      number = Math.floor(number / 10);
    }
    key[KEY_BYTES - 1] = last.charCodeAt(0);
    return key.toString("latin1");
  }

  #batch(from: number, to: number, indexAt: (at: number) => number): Batch {
    const updates: KvPut[] = [];
    for (let at = from; at < to; at += 1) updates.push(this.put(indexAt(at), at + 1));
    return { updates, cursor: WatchCursor.fromU64(to) };
  }
}

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / (NOT_LATER + 1);
  };
}
