import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { storedRecord, type StoredRecord } from "../../src/in-process/record.js";
import { allKeys, type BucketConfig } from "../../src/kv/index.js";
import { ManualClock, openInProcess, type InProcessBucket } from "../../src/testing/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { randomFrom, seedOfRun } from "../support/seed.js";

const KEYS = 8;
const STEPS = 400;

interface Limits {
  readonly history: number;
  readonly maxBytes: number;
  readonly discard: "new" | "old";
  readonly maxAgeMs?: number;
}

/** A stream as its documentation says it, with no thought for speed. */
class PlainStream {
  readonly limits: Limits;
  records: StoredRecord[] = [];
  last = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  get first(): number {
    return this.records[0]?.sequence ?? this.last + 1;
  }

  get bytes(): number {
    return this.records.reduce((sum, record) => sum + record.bytes, 0);
  }

  of(key: string): StoredRecord[] {
    return this.records.filter((record) => record.key === key);
  }

  expire(now: number): void {
    const { maxAgeMs = Infinity } = this.limits;
    this.records = this.records.filter((record) => record.time + maxAgeMs > now);
  }

  /** False where the bucket is full. */
  write(key: string, kind: StoredRecord["kind"], value: Uint8Array, time: number): boolean {
    const { history, maxBytes, discard } = this.limits;
    const record = storedRecord(
      { sequence: this.last + 1, time, key, kind, value },
      "$KV.b.".length,
    );
    const mine = this.of(key);
    const replaced = mine.length >= history ? (mine[0]?.bytes ?? 0) : 0;
    const over = this.bytes + record.bytes > maxBytes;
    if (discard === "new" && over && replaced < record.bytes) return false;
    this.last += 1;
    this.records.push(record);
    const kept = new Set(this.of(key).slice(kind === "purge" ? -1 : -history));
    this.records = this.records.filter((other) => other.key !== key || kept.has(other));
    if (discard === "old") while (this.bytes > maxBytes) this.records.shift();
    return true;
  }
}

/** A bucket and its plain twin, to which everything is done alike. */
class Twins {
  readonly bucket: InProcessBucket;
  readonly plain: PlainStream;
  readonly clock: ManualClock;
  readonly random: () => number;

  constructor(bucket: InProcessBucket, limits: Limits, clock: ManualClock, random: () => number) {
    this.bucket = bucket;
    this.plain = new PlainStream(limits);
    this.clock = clock;
    this.random = random;
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  async step(): Promise<void> {
    const { plain, bucket, clock } = this;
    const dice = this.random();
    const key = `k.${this.below(KEYS)}`;
    if (dice < 0.5) await this.write(key, "put", new Uint8Array(this.below(200)));
    else if (dice < 0.65) await this.write(key, "delete", new Uint8Array(0));
    else if (dice < 0.75) await this.write(key, "purge", new Uint8Array(0));
    else if (dice < 0.9) clock.advance(this.below(40));
    else if (dice < 0.94) {
      const sequence = plain.first + this.below(6);
      await bucket.evictBefore(BigInt(sequence));
      plain.records = plain.records.filter((record) => record.sequence >= sequence);
    } else if (dice < 0.98) {
      const record = plain.records[this.below(plain.records.length)];
      if (record !== undefined) await bucket.deleteMessage(BigInt(record.sequence));
      plain.records = plain.records.filter((other) => other !== record);
    } else {
      await bucket.purgeDeletes();
      const markers = plain.records.filter(
        (record) => record.kind !== "put" && plain.of(record.key).at(-1) === record,
      );
      plain.records = plain.records.filter((record) => !markers.includes(record));
    }
    plain.expire(clock.now());
  }

  async write(key: string, kind: StoredRecord["kind"], value: Uint8Array): Promise<void> {
    const fits = this.plain.write(key, kind, value, this.clock.now());
    const attempt = kind === "put" ? this.bucket.put(key, value) : this.bucket[kind](key);
    if (fits) assert.equal((await attempt).toU64(), BigInt(this.plain.last));
    else await assert.rejects(attempt, (error) => isMillpondError(error, "bucket-full"));
  }

  async compare(): Promise<void> {
    const { plain, bucket } = this;
    const info = await bucket.info();
    assert.deepEqual(
      [info.firstSequence, info.lastSequence, info.records, info.bytes],
      [BigInt(plain.first), BigInt(plain.last), plain.records.length, plain.bytes],
    );
    for (let index = 0; index < KEYS; index += 1) {
      const entry = await bucket.entry(`k.${index}`);
      const expected = plain.of(`k.${index}`).at(-1);
      assert.deepEqual(
        [entry?.kind, entry?.version.toHex()],
        [expected?.kind, expected?.version.toHex()],
      );
      assert.deepEqual(entry?.value, expected?.value);
    }
    const from = WatchCursor.fromU64(plain.first - 1);
    await using watch = await bucket.watch(allKeys, { from });
    const sequences: bigint[] = [];
    for await (const batch of watch) {
      sequences.push(...batch.updates.map(({ version }) => version.toU64() ?? 0n));
      if (batch.caughtUp) break;
    }
    assert.deepEqual(
      sequences,
      plain.records.map(({ sequence }) => BigInt(sequence)),
    );
  }
}

describe("an in-process bucket", () => {
  const configs: Record<string, Limits> = {
    "that keeps one record a key": { history: 1, maxBytes: 1e6, discard: "new" },
    "with a history": { history: 3, maxBytes: 1e6, discard: "new" },
    "that is often full": { history: 2, maxBytes: 1500, discard: "new" },
    "that forgets its oldest records": { history: 2, maxBytes: 1500, discard: "old" },
    "with an age limit": { history: 2, maxBytes: 1e6, discard: "new", maxAgeMs: 300 },
  };
  for (const [name, limits] of Object.entries(configs)) {
    test(`${name} does what a plain list of records does, whatever is done to it`, async (t) => {
      const seed = seedOfRun();
      t.diagnostic(`MILLPOND_SEED=${seed}`);
      const random = randomFrom(seed);
      const clock = new ManualClock();
      await using connection = await openInProcess({ clock });
      const config: BucketConfig = limits;
      const twins = new Twins(await connection.createBucket("b", config), limits, clock, random);
      for (let step = 0; step < STEPS; step += 1) {
        await twins.step();
        await twins.compare();
      }
    });
  }
});
