import type { StoredRecord } from "./record.js";

/** Removed records are swept out once there are this many of them and they outnumber the kept ones. */
const SWEEP_AT_LEAST = 1024;
const NEAR_THE_END = 16;

/**
 * The records of a bucket, in memory: ordered by sequence, with the history of each key, as a NATS stream with one subject
 * per key and a limit per subject keeps them. Knows neither time nor size limits.
 */
export class RecordLog {
  readonly #history: number;
  /** Ascending by sequence; some are removed. A removal marks, and a sweep now and then pays for many. */
  #records: StoredRecord[] = [];
  /** Index of the first record that is kept; the length where none is. */
  #first = 0;
  readonly #byKey = new Map<string, StoredRecord[]>();
  #lastSequence: number;
  #count = 0;
  #bytes = 0;

  /** Keeps `history` records per key; the next sequence is `lastSequence + 1`. */
  constructor(history: number, lastSequence = 0) {
    this.#history = history;
    this.#lastSequence = lastSequence;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Of the oldest record kept; `lastSequence + 1` where none is. */
  get firstSequence(): number {
    return this.first?.sequence ?? this.#lastSequence + 1;
  }

  get first(): StoredRecord | undefined {
    return this.#records[this.#first];
  }

  /** Records kept. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Keys that have a record, markers included. */
  get keyCount(): number {
    return this.#byKey.size;
  }

  /**
   * Takes a record whose sequence is above that of all others kept and drops what it supersedes: all earlier records of the key for a
   * purge (a rollup), else those beyond the history.
   */
  add(record: StoredRecord): void {
    const history = this.#byKey.get(record.key);
    this.#records.push(record);
    this.#lastSequence = Math.max(this.#lastSequence, record.sequence);
    this.#count += 1;
    this.#bytes += record.bytes;
    if (history === undefined) {
      this.#byKey.set(record.key, [record]);
      return;
    }
    history.push(record);
    const keep = record.kind === "purge" ? 1 : this.#history;
    while (history.length > keep) {
      const superseded = history.shift();
      if (superseded !== undefined) this.#drop(superseded);
    }
  }

  /** Forgets one record; the key is gone with its last one. */
  remove(record: StoredRecord): void {
    if (record.removed) return;
    const history = this.#byKey.get(record.key) ?? [];
    history.splice(history.indexOf(record), 1);
    if (history.length === 0) this.#byKey.delete(record.key);
    this.#drop(record);
  }

  /** Forgets every record below `sequence`. */
  removeBefore(sequence: number): void {
    for (let oldest = this.first; oldest !== undefined; oldest = this.first) {
      if (oldest.sequence >= sequence) return;
      this.remove(oldest);
    }
  }

  at(sequence: number): StoredRecord | undefined {
    const record = this.#records[this.#indexAfter(sequence - 1)];
    return record?.sequence === sequence && !record.removed ? record : undefined;
  }

  /** The key's newest record. */
  last(key: string): StoredRecord | undefined {
    return this.#byKey.get(key)?.at(-1);
  }

  /** The key's oldest record, if the history is full, so that the next one takes its place. */
  replacedBy(key: string): StoredRecord | undefined {
    const history = this.#byKey.get(key);
    return history?.length === this.#history ? history[0] : undefined;
  }

  /** Whether no newer record of the same key lies at or below `sequence`. */
  isLastAsOf(record: StoredRecord, sequence: number): boolean {
    const history = this.#byKey.get(record.key) ?? [];
    return history.findLast((other) => other.sequence <= sequence) === record;
  }

  /** The newest record of each key that starts with `prefix`, markers included. */
  lastRecords(prefix: string): StoredRecord[] {
    const found: StoredRecord[] = [];
    for (const [key, history] of this.#byKey) {
      const last = history.at(-1);
      if (last !== undefined && key.startsWith(prefix)) found.push(last);
    }
    return found;
  }

  /** Every record kept, in order. */
  kept(): StoredRecord[] {
    return this.#records.filter((record) => !record.removed);
  }

  /** Hands out the records above `sequence` in order, until `visit` returns false. */
  visitAfter(sequence: number, visit: (record: StoredRecord) => boolean): void {
    for (let index = this.#indexAfter(sequence); index < this.#records.length; index += 1) {
      const record = this.#records[index];
      if (record !== undefined && !record.removed && !visit(record)) return;
    }
  }

  /** At least as many as there are records above `sequence`: removed ones may still be counted. */
  countAfterAtMost(sequence: number): number {
    return this.#records.length - this.#indexAfter(sequence);
  }

  #drop(record: StoredRecord): void {
    record.removed = true;
    this.#count -= 1;
    this.#bytes -= record.bytes;
    while (this.#records[this.#first]?.removed === true) this.#first += 1;
    const removed = this.#records.length - this.#count;
    if (removed > SWEEP_AT_LEAST && removed > this.#count) {
      this.#records = this.#records.filter((kept) => !kept.removed);
      this.#first = 0;
    }
  }

  /** Index of the first record, removed or not, above `sequence`. */
  #indexAfter(sequence: number): number {
    let high = this.#records.length;
    let low = this.#first;
    // Most who ask are near the end.
    const near = Math.max(low, high - NEAR_THE_END);
    if ((this.#records[near]?.sequence ?? Infinity) <= sequence) low = near;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const record = this.#records[middle];
      if (record !== undefined && record.sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
