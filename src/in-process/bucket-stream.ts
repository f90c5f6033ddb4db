import { MillpondError } from "../errors/index.js";
import type { Clock } from "../platform/index.js";
import type { ResolvedConfig } from "./config.js";
import { Alarm, Deadlines } from "./expiry.js";
import { RecordLog } from "./record-log.js";
import { storedRecord, type NewRecord, type StoredRecord } from "./record.js";

/** What a bucket tells its file, before it does it. A throw calls the change off. */
export interface Journal {
  added(record: NewRecord): void;
  removed(sequences: readonly number[]): void;
  removedBefore(sequence: number): void;
}

/** What a bucket held at one moment. */
export interface StreamBackup {
  /** Of which making of the bucket it is. */
  readonly created: string;
  readonly lastSequence: number;
  readonly records: readonly StoredRecord[];
}

export interface StreamIdentity {
  readonly name: string;
  /** As {@link BucketInfo.created}. */
  readonly created: string;
  readonly config: ResolvedConfig;
  /** The sequence that was given last. */
  readonly lastSequence: number;
}

/** One write as the client side hands it over; takes ownership of `value`. */
export interface Write {
  readonly key: string;
  readonly kind: "put" | "delete" | "purge";
  readonly value: Uint8Array;
  readonly ttlMs?: number | undefined;
}

const NOTHING = new Uint8Array(0);

/**
 * The server's side of a bucket: what a NATS stream for KV does with writes, limits, time and removals (2.11 and later). All
 * of it is synchronous, so a caller can check and write without anything coming in between.
 */
export class BucketStream {
  readonly identity: StreamIdentity;
  #log: RecordLog;
  readonly #clock: Clock;
  #deadlines = new Deadlines();
  readonly #alarm: Alarm;
  readonly #listeners = new Set<() => void>();
  readonly #subjectPrefixBytes: number;
  #journal: Journal | undefined;
  #deleted = false;
  #evictedThrough = 0;
  #restored = 0;
  #rollBacks = 0;

  constructor(identity: StreamIdentity, clock: Clock) {
    this.identity = identity;
    this.#log = new RecordLog(identity.config.history, identity.lastSequence);
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.#expireInPassing());
    this.#subjectPrefixBytes = `$KV.${identity.name}.`.length;
  }

  /** From here on every change is told to `journal` first. */
  keepIn(journal: Journal): void {
    this.#journal = journal;
    this.#setAlarm();
  }

  get isKept(): boolean {
    return this.#journal !== undefined;
  }

  /** The records. Another log after {@link BucketStream.rollBack}. */
  get log(): RecordLog {
    return this.#log;
  }

  get deleted(): boolean {
    return this.#deleted;
  }

  /** How often it was put back to an earlier state. */
  get rollBacks(): number {
    return this.#rollBacks;
  }

  /**
   * The highest sequence up to which something was dropped that no newer record of the same key stands for. A watch that
   * has not got that far has lost it.
   */
  get evictedThrough(): number {
    return this.#evictedThrough;
  }

  /** Stores one record and returns it. Throws `bucket-full` where `discard` is `new` and there is no room for it. */
  write(write: Write): StoredRecord {
    this.expire();
    const record = this.#next(write);
    const { config, name } = this.identity;
    if (config.discard === "new" && !this.#fits(record)) {
      throw new MillpondError("bucket-full", `bucket ${name} is full: ${config.maxBytes} bytes`, {
        hint: "Give the bucket a larger maxBytes, or discard: old where it may forget its oldest records.",
      });
    }
    this.#store(record);
    this.#changed();
    return record;
  }

  /** Drops every record below `sequence`, as a stream purge does. */
  evictBefore(sequence: number): void {
    this.#journal?.removedBefore(sequence);
    this.#removing(() => this.log.removeBefore(sequence));
    this.#changed();
  }

  /** Drops records wherever they are, as a message delete does: nobody is told. */
  remove(records: readonly StoredRecord[]): void {
    if (records.length === 0) return;
    this.#journal?.removed(records.map((record) => record.sequence));
    this.#removing(() => {
      for (const record of records) this.log.remove(record);
    });
    this.#changed();
  }

  /** All that it holds now, for {@link BucketStream.rollBack}. */
  backUp(): StreamBackup {
    return {
      created: this.identity.created,
      lastSequence: this.log.lastSequence,
      records: this.log.kept(),
    };
  }

  /**
   * Puts it back to what it was, as a server does whose store was replaced by a backup: sequences are given a second time, to other
   * records. Only where no file keeps it: a file tells of what comes, and nothing of what never was.
   */
  rollBack({ lastSequence, records }: StreamBackup): void {
    this.#log = new RecordLog(this.identity.config.history, lastSequence);
    this.#deadlines = new Deadlines();
    for (const record of records) {
      const again = { ...record, removed: false };
      this.#log.add(again);
      this.#deadlines.add(again);
    }
    this.#evictedThrough = 0;
    this.#rollBacks += 1;
    this.expire();
    this.#changed();
  }

  /**
   * Drops what is past its time: by the bucket's `maxAgeMs` or by its own time to live. Without a marker TTL nobody is told;
   * with one, a value that was its key's last record leaves a delete marker (NATS: `Nats-Marker-Reason: MaxAge`, 2.11).
   */
  expire(): void {
    const now = this.#clock.now();
    if (this.#deadlines.next <= now) this.#expire(this.#deadlines.due(now));
    const { maxAgeMs } = this.identity.config;
    if (maxAgeMs !== undefined && this.log.first !== undefined) {
      const aged: StoredRecord[] = [];
      this.log.visitAfter(0, (record) => record.time + maxAgeMs <= now && aged.push(record) > 0);
      this.#expire(aged);
    }
    this.#deadlines.sweep();
    this.#setAlarm();
  }

  /**
   * Takes a record from the file as it is; false where it does not come after the one before. Time does nothing to the
   * bucket until {@link BucketStream.keepIn}, or what it did would be missing from the file.
   */
  restore(record: NewRecord): boolean {
    if (record.sequence <= this.#restored) return false;
    this.#restored = record.sequence;
    this.#add(storedRecord(record, this.#subjectPrefixBytes));
    return true;
  }

  /** Calls `listener` after each change; the function returned ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Wakes every watch, so that it looks again whether it may go on. */
  wake(): void {
    this.#changed();
  }

  /** The bucket is gone for good. */
  destroy(): void {
    this.#deleted = true;
    this.stop();
    this.#changed();
  }

  /** Ends the timer. */
  stop(): void {
    this.#alarm.clear();
    this.#journal = undefined;
  }

  #expire(due: readonly StoredRecord[]): void {
    if (due.length === 0) return;
    const { markerTtlMs } = this.identity.config;
    const values = due.filter(
      (record) => record.kind === "put" && this.log.last(record.key) === record,
    );
    this.remove(due);
    if (markerTtlMs === undefined) return;
    for (const { key } of values) {
      this.#store(this.#next({ key, kind: "delete", value: NOTHING, ttlMs: markerTtlMs }));
    }
    this.#changed();
  }

  #expireInPassing(): void {
    try {
      this.expire();
    } catch {
      // The journal could not be written, so nothing has expired: the next write meets the same disk and says so.
    }
  }

  #next({ key, kind, value, ttlMs }: Write): StoredRecord {
    const time = this.#clock.now();
    const expiresAt = ttlMs === undefined ? undefined : time + ttlMs;
    const sequence = this.log.lastSequence + 1;
    return storedRecord({ sequence, time, key, kind, value, expiresAt }, this.#subjectPrefixBytes);
  }

  /** Within the limit, or in the place of one as large or larger that the history's limit makes it replace (NATS 2.15). */
  #fits(record: StoredRecord): boolean {
    if (this.log.bytes + record.bytes <= this.identity.config.maxBytes) return true;
    return (this.log.replacedBy(record.key)?.bytes ?? 0) >= record.bytes;
  }

  #store(record: StoredRecord): void {
    this.#journal?.added(record);
    this.#add(record);
    this.#setAlarm();
  }

  #add(record: StoredRecord): void {
    const { config } = this.identity;
    this.log.add(record);
    this.#deadlines.add(record);
    if (config.discard === "old" && this.log.bytes > config.maxBytes) {
      this.#removing(() => {
        while (this.log.bytes > config.maxBytes) this.log.removeBefore(this.log.firstSequence + 1);
      });
    }
  }

  #removing(remove: () => void): void {
    const before = this.log.firstSequence;
    remove();
    const after = this.log.firstSequence;
    if (after > before) this.#evictedThrough = after - 1;
  }

  #setAlarm(): void {
    const { maxAgeMs = Infinity } = this.identity.config;
    this.#alarm.setFor(
      Math.min(this.#deadlines.next, (this.log.first?.time ?? Infinity) + maxAgeMs),
    );
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
