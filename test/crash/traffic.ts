import type { KvStore } from "../../src/kv/index.js";
import type { Random } from "../../src/platform/clock.js";
import type { Journal } from "./journal.js";

const STABLE_KEYS = 200;
const HOT_KEYS = 2000;
const IN_FLIGHT = 256;
const SLICE_MS = 10;

/** Writes to a bucket at a steady rate until stopped, and records each acknowledged write. */
export class Traffic {
  readonly #bucket: KvStore;
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #busyKeys = new Set<string>();
  readonly #inFlight = new Set<Promise<void>>();
  #stopped = false;
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
      for (; issued < due && this.#inFlight.size < IN_FLIGHT; issued += 1) this.#issue();
      await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
      // What the server could not take in this slice is not made up for: the rate is a ceiling.
      if (this.#inFlight.size >= IN_FLIGHT) issued = Math.max(issued, due - IN_FLIGHT);
    }
    await this.settled();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves once every write issued so far is in the journal. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #issue(): void {
    let key: string;
    do key = `hot.${Math.floor(this.#random() * HOT_KEYS)}`;
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

  async #write(key: string): Promise<void> {
    const dice = this.#random();
    if (dice < 0.85) return this.#put(key);
    const version = dice < 0.95 ? await this.#bucket.delete(key) : await this.#bucket.purge(key);
    this.#record(key, version.toU64(), undefined);
  }

  async #put(key: string): Promise<void> {
    const value = Buffer.from(
      `${key}=${this.#random()}`.padEnd(Math.floor(this.#random() * 400), "."),
    );
    const version = await this.#bucket.put(key, value);
    this.#record(key, version.toU64(), value);
  }

  #record(key: string, revision: bigint | undefined, value: Uint8Array | undefined): void {
    if (revision === undefined) throw new Error(`the write of ${key} came back without a revision`);
    this.#journal.record(key, revision, value);
    this.#written += 1;
  }
}
