import { MillpondError } from "../errors/index.js";
import {
  prefixesOf,
  type BucketInfo,
  inScope,
  type KvRecord,
  type KvRecordHead,
  type KvStore,
  type KvWatch,
  type PutOptions,
  type WatchOptions,
  type WatchScope,
} from "../kv/index.js";
import { type Clock, nextTurn } from "../platform/index.js";
import {
  checkKey,
  checkPrefix,
  checkReadableKey,
  type KvEntry,
  type VersionToken,
  type WatchCursor,
} from "../values/index.js";
import type { BucketStream, StreamBackup, Write } from "./bucket-stream.js";
import { limitsOf } from "./config.js";
import { alreadyExists, revisionMismatch } from "./failures.js";
import type { Link } from "./link.js";
import { resumeSequence } from "./resume.js";
import { entryOf, fullRecordOf, headOf, type StoredRecord } from "./record.js";
import { InProcessWatch } from "./watch.js";

const NOTHING = new Uint8Array(0);
const KEYS_A_TURN = 1000;
const TTL_UNIT_MS = 1000;

/** What {@link InProcessBucket.backUp} gives: nothing to look into. */
export type BucketBackup = StreamBackup;

/** What a bucket needs of the connection that it was got from. */
export interface BucketAccess {
  readonly link: Link;
  readonly clock: Clock;
  readonly maxValueBytes: number;
  readonly bookmarkMs: number;
  /** Throws `bucket-not-found`. */
  stream(name: string): BucketStream;
}

/** A bucket in this process, and beyond {@link KvStore} the controls with which a test plays the server's operator. */
export class InProcessBucket implements KvStore {
  readonly name: string;
  readonly #access: BucketAccess;

  /** Use `InProcessConnection.bucket`. */
  constructor(name: string, access: BucketAccess) {
    this.name = name;
    this.#access = access;
  }

  get connected(): boolean {
    return this.#access.link.state === "up";
  }

  onConnectedChange(listener: () => void): () => void {
    return this.#access.link.subscribe(listener);
  }

  async get(key: string): Promise<KvEntry | undefined> {
    const record = this.#last(key);
    return record?.kind === "put" ? entryOf(record) : undefined;
  }

  async entry(key: string): Promise<KvRecord | undefined> {
    const record = this.#last(key);
    return record === undefined ? undefined : fullRecordOf(record);
  }

  /** As of the first step of the iteration. */
  async *keys(prefix = ""): AsyncGenerator<string, void> {
    for await (const record of this.#values(prefix)) yield record.key;
  }

  /** As of the first step of the iteration. */
  async *scan(prefix = ""): AsyncGenerator<KvEntry, void> {
    for await (const record of this.#values(prefix)) yield entryOf(record);
  }

  /** As of the first step of the iteration. */
  async *records(scope: WatchScope): AsyncGenerator<KvRecordHead, void> {
    let inTurn = 0;
    for (const record of this.#recordsIn(scope)) {
      yield headOf(record);
      inTurn += 1;
      if (inTurn % KEYS_A_TURN === 0) await nextTurn();
    }
  }

  async countRecords(scope: WatchScope): Promise<number> {
    return this.#recordsIn(scope).length;
  }

  async recordAt(position: WatchCursor): Promise<KvRecordHead | undefined> {
    const record = this.#stream().log.at(sequenceAt(position));
    return record === undefined ? undefined : headOf(record);
  }

  async put(key: string, value: Uint8Array, options: PutOptions = {}): Promise<VersionToken> {
    return this.#write({ key, kind: "put", value, ttlMs: options.ttlMs });
  }

  async create(key: string, value: Uint8Array, options: PutOptions = {}): Promise<VersionToken> {
    return this.#write({ key, kind: "put", value, ttlMs: options.ttlMs }, (last) => {
      if (last?.kind === "put") throw alreadyExists(key);
    });
  }

  async update(key: string, value: Uint8Array, expected: VersionToken): Promise<VersionToken> {
    return this.#write({ key, kind: "put", value }, requireVersion(key, expected));
  }

  async delete(key: string): Promise<VersionToken> {
    return this.#write({ key, kind: "delete", value: NOTHING });
  }

  async deleteWithVersion(key: string, expected: VersionToken): Promise<VersionToken> {
    return this.#write({ key, kind: "delete", value: NOTHING }, requireVersion(key, expected));
  }

  async purge(key: string): Promise<VersionToken> {
    return this.#write({ key, kind: "purge", value: NOTHING });
  }

  async info(): Promise<BucketInfo> {
    const { log, identity } = this.#stream();
    return {
      name: this.name,
      created: identity.created,
      firstSequence: BigInt(log.firstSequence),
      lastSequence: BigInt(log.lastSequence),
      records: log.count,
      bytes: log.bytes,
      limits: limitsOf(identity.config),
      serverTimeMs: this.#access.clock.now(),
    };
  }

  async watch(scope: WatchScope, options: WatchOptions = {}): Promise<KvWatch> {
    options.signal?.throwIfAborted();
    for (const prefix of prefixesOf(scope)) checkPrefix(prefix);
    const stream = this.#stream();
    const { link, clock, bookmarkMs } = this.#access;
    const from =
      options.from === undefined || options.from.isNone
        ? undefined
        : resumeSequence(options.from, stream.identity.name, stream.log);
    return new InProcessWatch({
      stream,
      link,
      clock,
      scope,
      from,
      sweeps: options.sweeps ?? false,
      signal: options.signal,
      bookmarkMs,
    });
  }

  /** Drops every record below `sequence` (a stream purge up to there): the first sequence moves, watches are not told. */
  async evictBefore(sequence: bigint): Promise<void> {
    const stream = this.#stream();
    const beyondLast = BigInt(stream.log.lastSequence + 1);
    stream.evictBefore(Number(sequence < beyondLast ? sequence : beyondLast));
  }

  /** Drops the markers of removed keys, wherever they are, as `nats kv compact` does: watches are not told. */
  async purgeDeletes(): Promise<void> {
    const stream = this.#stream();
    stream.remove(stream.log.lastRecords("").filter((record) => record.kind !== "put"));
  }

  /** Drops one record; watches are not told. Throws `key-not-found` where there is none of that sequence. */
  async deleteMessage(sequence: bigint): Promise<void> {
    const stream = this.#stream();
    const record = stream.log.at(Number(sequence));
    if (record === undefined) {
      throw new MillpondError("key-not-found", `no record has the sequence ${sequence}`);
    }
    stream.remove([record]);
  }

  /**
   * Drops every record of the keys that start with `prefix`, as a stream purge with a filter does, and leaves no marker: watches are
   * not told.
   */
  async purgeKeys(prefix: string): Promise<void> {
    checkPrefix(prefix);
    const stream = this.#stream();
    stream.remove(stream.log.kept().filter(({ key }) => key.startsWith(prefix)));
  }

  /** What the bucket holds now, to be rolled back to. Throws `operation-failed` for a bucket that is kept in a folder. */
  async backUp(): Promise<BucketBackup> {
    return this.#unkept().backUp();
  }

  /**
   * Puts the bucket back to what it was, as a restored backup does: it keeps its `created`, and gives the sequences that came after a
   * second time. Its watches end with `cursor-expired`, once their line is up. Throws `invalid-argument` for the backup of another
   * bucket or another making of this one, and `operation-failed` for a bucket that is kept in a folder: there the operator puts a
   * copy of the folder back.
   */
  async rollBack(backup: BucketBackup): Promise<void> {
    const stream = this.#unkept();
    if (backup.created !== stream.identity.created) {
      throw new MillpondError("invalid-argument", `the backup is not of this bucket ${this.name}`);
    }
    stream.rollBack(backup);
  }

  #unkept(): BucketStream {
    const stream = this.#stream();
    if (!stream.isKept) return stream;
    throw new MillpondError("operation-failed", `bucket ${this.name} is kept in a folder`, {
      hint: "Copy the folder while nothing has it open, and put the copy back in the same way.",
    });
  }

  /** Stores a value under a key that {@link checkKey} refuses but that a publisher to the stream can use, such as `ü`. */
  async putRaw(key: string, value: Uint8Array): Promise<VersionToken> {
    checkReadableKey(key);
    return this.#stream().write({ key, kind: "put", value: new Uint8Array(value) }).version;
  }

  /** Drops what is past its time by the clock now, without waiting for the timer. */
  async expireNow(): Promise<void> {
    this.#stream();
  }

  #stream(): BucketStream {
    this.#access.link.require();
    const stream = this.#access.stream(this.name);
    stream.expire();
    return stream;
  }

  #recordsIn(scope: WatchScope): StoredRecord[] {
    for (const prefix of prefixesOf(scope)) checkPrefix(prefix);
    return this.#stream()
      .log.lastRecords("")
      .filter(({ key }) => inScope(scope, key));
  }

  #last(key: string): StoredRecord | undefined {
    checkReadableKey(key);
    return this.#stream().log.last(key);
  }

  async *#values(prefix: string): AsyncGenerator<StoredRecord, void> {
    checkPrefix(prefix);
    let inTurn = 0;
    for (const record of this.#stream().log.lastRecords(prefix)) {
      if (record.kind !== "put") continue;
      yield record;
      inTurn += 1;
      if (inTurn % KEYS_A_TURN === 0) await nextTurn();
    }
  }

  /** Nothing comes between `check` and the write: both happen in the same turn. */
  #write(write: Write, check?: (last: StoredRecord | undefined) => void): VersionToken {
    checkKey(write.key);
    const { maxValueBytes } = this.#access;
    if (write.value.length > maxValueBytes) {
      throw new MillpondError(
        "invalid-argument",
        `the value of ${write.key} has ${write.value.length} bytes; the bucket takes ${maxValueBytes}`,
      );
    }
    const stream = this.#stream();
    if (write.ttlMs !== undefined) checkTtl(write.ttlMs, stream);
    check?.(stream.log.last(write.key));
    return stream.write({ ...write, value: new Uint8Array(write.value) }).version;
  }
}

/** 0, which no record has, for what is not a position here. */
function sequenceAt(position: WatchCursor): number {
  const sequence = position.toU64() ?? 0n;
  return sequence > Number.MAX_SAFE_INTEGER ? 0 : Number(sequence);
}

function requireVersion(
  key: string,
  expected: VersionToken,
): (last: StoredRecord | undefined) => void {
  const sequence = expected.toU64();
  if (sequence === undefined) {
    throw new MillpondError(
      "invalid-argument",
      `not a version of this bucket: "${expected.toHex()}"`,
      { hint: "Expect the version that get, entry or an earlier write gave." },
    );
  }
  return (last) => {
    const actual = last?.sequence ?? 0;
    if (BigInt(actual) !== sequence) throw revisionMismatch(key, sequence, actual);
  };
}

function checkTtl(ttlMs: number, stream: BucketStream): void {
  if (!Number.isSafeInteger(ttlMs / TTL_UNIT_MS) || ttlMs < TTL_UNIT_MS) {
    throw new MillpondError(
      "invalid-argument",
      `a time to live is whole seconds, at least one: not ${ttlMs} ms`,
    );
  }
  if (stream.identity.config.markerTtlMs === undefined) {
    throw new MillpondError(
      "operation-failed",
      `bucket ${stream.identity.name} does not take values with a time to live`,
      { hint: "Make the bucket with markerTtlMs." },
    );
  }
}
