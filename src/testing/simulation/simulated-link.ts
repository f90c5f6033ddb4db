import { MillpondError } from "../../errors/index.js";
import type {
  BucketInfo,
  KvRecord,
  KvRecordHead,
  KvStore,
  KvWatch,
  PutOptions,
  WatchOptions,
  WatchScope,
} from "../../kv/index.js";
import type { Clock, Random } from "../../platform/index.js";
import type { KvEntry, VersionToken, WatchCursor } from "../../values/index.js";
import { checkChance, checkFunction } from "./checks.js";
import { LinkState } from "./link-state.js";
import { LinkWatch } from "./link-watch.js";

/** Records of a listing between two looks at the line. */
const RECORDS_PER_LOOK = 8;

/**
 * A bucket at the other end of a line that can be slow, fall silent, break or lose what is on the way. Wraps any bucket, and keeps what a
 * source promises (`KvWatch`): updates come in order and once, whatever the line does. What it had under way when the line was cut comes
 * once the line is back, as the replacement of a lost consumer delivers it, and with a higher `rebuilds`; a word without news may come
 * twice. A cut that lasts longer than 5000 ms ends a watch with `not-connected`, and then another watch brings again what
 * the caller had not applied.
 */
export class SimulatedLink implements KvStore {
  readonly #inner: KvStore;
  readonly #state: LinkState;

  constructor(inner: KvStore, clock: Clock, random: Random) {
    this.#inner = inner;
    this.#state = new LinkState(clock, random);
  }

  /** A function that gives how long a message takes either way, in milliseconds, asked for each. Default: no time. Order is kept. Else `invalid-argument`. */
  set latencyMs(latency: () => number) {
    checkFunction("latencyMs", latency);
    this.#state.latencyMs = latency;
  }

  /** The chance that a word of a watch that brings nothing new comes twice. Default 0. Outside 0 to 1 `invalid-argument`. */
  set duplicates(chance: number) {
    checkChance("duplicates", chance);
    this.#state.duplicates = chance;
  }

  /** The most batches of a watch that wait at this end of the line before they are asked for. Default 0: the reader asks the other end. */
  set readAhead(batches: number) {
    this.#state.readAhead = batches;
  }

  /** The line is lost, and both ends know: `connected` is false. */
  cut(): void {
    this.#state.cut();
  }

  /** It is back. */
  restore(): void {
    this.#state.restore();
  }

  /** Nothing comes through any more, and `connected` stays true. */
  freeze(): void {
    this.#state.setFrozen(true);
  }

  /** What was held up comes now, in order. */
  thaw(): void {
    this.#state.setFrozen(false);
  }

  /** While true, the words of watches that bring no updates do not come. */
  set holdsBookmarks(holds: boolean) {
    this.#state.holdsBookmarks = holds;
  }

  /** Ends every watch with this error, after what has come through. */
  breakWatches(error: MillpondError): void {
    this.#state.breakWatches(error);
  }

  /** Nobody is at this end any more: the watches are closed, requests fail. */
  kill(): void {
    this.#state.kill();
  }

  /** The longest that a batch was on its way of those that came through since `sinceMs` (by the clock given), in milliseconds. */
  worstTransitMs(sinceMs: number): number {
    return this.#state.worstTransitMs(sinceMs);
  }

  /** Updates that watches have handed over. */
  get delivered(): number {
    return this.#state.deliveredUpdates;
  }

  /** The most updates that a watch has handed over at once. */
  get largestBatch(): number {
    return this.#state.largestBatch;
  }

  /** Updates that the watch which began last has handed over beyond this position. */
  updatesBeyond(position: WatchCursor): number {
    return this.#state.updatesBeyond(position);
  }

  /** Up to where the watch has delivered that delivered last. */
  get frontier(): WatchCursor {
    return this.#state.frontier;
  }

  get name(): string {
    return this.#inner.name;
  }

  get connected(): boolean {
    return this.#state.isUp;
  }

  onConnectedChange(listener: () => void): () => void {
    return this.#state.subscribe(listener);
  }

  get(key: string): Promise<KvEntry | undefined> {
    return this.#state.ask(() => this.#inner.get(key));
  }

  entry(key: string): Promise<KvRecord | undefined> {
    return this.#state.ask(() => this.#inner.entry(key));
  }

  keys(prefix?: string): AsyncIterable<string> {
    return this.#listed(() => this.#inner.keys(prefix));
  }

  scan(prefix?: string): AsyncIterable<KvEntry> {
    return this.#listed(() => this.#inner.scan(prefix));
  }

  records(scope: WatchScope): AsyncIterable<KvRecordHead> {
    return this.#listed(() => this.#inner.records(scope));
  }

  countRecords(scope: WatchScope): Promise<number> {
    return this.#state.ask(() => this.#inner.countRecords(scope));
  }

  recordAt(position: WatchCursor): Promise<KvRecordHead | undefined> {
    return this.#state.ask(() => this.#inner.recordAt(position));
  }

  put(key: string, value: Uint8Array, options?: PutOptions): Promise<VersionToken> {
    return this.#state.ask(() => this.#inner.put(key, value, options));
  }

  create(key: string, value: Uint8Array, options?: PutOptions): Promise<VersionToken> {
    return this.#state.ask(() => this.#inner.create(key, value, options));
  }

  update(key: string, value: Uint8Array, expected: VersionToken): Promise<VersionToken> {
    return this.#state.ask(() => this.#inner.update(key, value, expected));
  }

  delete(key: string): Promise<VersionToken> {
    return this.#state.ask(() => this.#inner.delete(key));
  }

  deleteWithVersion(key: string, expected: VersionToken): Promise<VersionToken> {
    return this.#state.ask(() => this.#inner.deleteWithVersion(key, expected));
  }

  purge(key: string): Promise<VersionToken> {
    return this.#state.ask(() => this.#inner.purge(key));
  }

  info(): Promise<BucketInfo> {
    return this.#state.ask(() => this.#inner.info());
  }

  async watch(scope: WatchScope, options: WatchOptions = {}): Promise<KvWatch> {
    const { signal, ...rest } = options;
    signal?.throwIfAborted();
    let opened: KvWatch | undefined;
    try {
      await this.#state.ask(async () => {
        opened = await this.#inner.watch(scope, rest);
      });
      signal?.throwIfAborted();
    } catch (error) {
      await opened?.close();
      throw error;
    }
    if (opened === undefined) throw new MillpondError("watch-error", "no watch was set up");
    return new LinkWatch(this.#state, opened, signal);
  }

  async *#listed<T>(list: () => AsyncIterable<T>): AsyncGenerator<T, void> {
    const epoch = await this.#state.reach();
    let seen = 0;
    for await (const item of list()) {
      if (seen % RECORDS_PER_LOOK === 0) await this.#state.returnFrom(epoch);
      seen += 1;
      yield item;
    }
    await this.#state.returnFrom(epoch);
  }
}
