import type { KvStore } from "../../src/kv/index.js";
import type { Random } from "../../src/platform/clock.js";
import { integerBelow } from "../support/seed.js";
import type { Journal } from "./journal.js";

const STABLE_KEYS = 20;
/** Half of the writes are of a few keys with long values, so that a log is due for a compaction every hundred updates or so... */
const HOT_KEYS = 10;
const HOT_BYTES = 400;
/** ...and the others of many with short ones, so that a loss still shows a while later. */
const WARM_KEYS = 150;
const WARM_BYTES = 40;
const IN_FLIGHT = 24;
const SLICE_MS = 10;

/** Writes to a bucket at a steady rate until stopped, and records each acknowledged write. */
export class Traffic {
  readonly #bucket: KvStore;
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #busyKeys = new Set<string>();
  readonly #inFlight = new Set<Promise<void>>();
  #stopped = false;
  /** Issued before it pauses. */
  #left = 0;
  #written = 0;
  #failure: unknown;

  constructor(bucket: KvStore, journal: Journal, random: Random) {
    this.#bucket = bucket;
    this.#journal = journal;
    this.#random = random;
  }

  get written(): number {
    return this.#written;
  }

  /**
   * Writes the keys that are never written again. They hold the stream's first sequence down, so that every resume is
   * sound: a bucket whose every key changed while a mirror was away cannot tell that from lost history.
   */
  async seed(): Promise<void> {
    for (let index = 0; index < STABLE_KEYS; index += 1) await this.#put(`stable.${index}`);
  }

  /** Runs until {@link Traffic.stop}. */
  async run(updatesPerSecond: number): Promise<void> {
    const startedAt = performance.now();
    let issued = 0;
    while (!this.#stopped) {
      const due = ((performance.now() - startedAt) / 1000) * updatesPerSecond;
      for (; issued < due && this.#mayIssue; issued += 1) this.#issue();
      await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
      // What could not be written in this slice is not made up for: the rate is a ceiling.
      if (!this.#mayIssue) issued = Math.max(issued, due);
    }
    await this.settled();
  }

  /** Writes so many more, and then none until {@link Traffic.goOn}. */
  pauseAfter(updates: number): void {
    this.#left = updates;
  }

  goOn(): void {
    this.#left = Infinity;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves once every write issued so far is in the journal. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #mayIssue(): boolean {
    return this.#left > 0 && this.#inFlight.size < IN_FLIGHT;
  }

  #issue(): void {
    this.#left -= 1;
    let key: string;
    do key = this.#randomKey();
    while (this.#busyKeys.has(key));
    this.#busyKeys.add(key);
    const write = this.#write(key)
      .catch((error: unknown) => {
        this.#failure ??= error;
        this.#stopped = true;
      })
      .finally(() => {
        this.#busyKeys.delete(key);
        this.#inFlight.delete(write);
      });
    this.#inFlight.add(write);
  }

  #randomKey(): string {
    if (this.#random() < 0.5) return `hot.${integerBelow(this.#random, HOT_KEYS)}`;
    return `warm.${integerBelow(this.#random, WARM_KEYS)}`;
  }

  async #write(key: string): Promise<void> {
    const dice = this.#random();
    if (dice < 0.85) return this.#put(key);
    const version = dice < 0.95 ? await this.#bucket.delete(key) : await this.#bucket.purge(key);
    this.#record(key, version.toU64(), undefined);
  }

  async #put(key: string): Promise<void> {
    const mostBytes = key.startsWith("hot.") ? HOT_BYTES : WARM_BYTES;
    const value = Buffer.from(
      `${key}=${this.#random()}`.padEnd(Math.floor(this.#random() * mostBytes), "."),
    );
    const version = await this.#bucket.put(key, value);
    this.#record(key, version.toU64(), value);
  }

  #record(key: string, revision: bigint | undefined, value: Uint8Array | undefined): void {
    if (revision === undefined) throw new Error(`the write of ${key} came back without a revision`);
    this.#journal.record(key, Number(revision), value);
    this.#written += 1;
  }
}
