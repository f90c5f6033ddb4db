import assert from "node:assert/strict";
import type { KvStore, KvWatch, WatchBatch, WatchOptions, WatchScope } from "../../kv/index.js";
import { WatchCursor, type KvPut, type KvUpdate } from "../../values/index.js";

const DEADLINE_MS = 20_000;
const MAX_UPDATES = 2000;

/**
 * One watch as a test reads it: it collects what came, and holds each batch against what {@link WatchBatch} promises.
 * Nothing is asked of the watch but by {@link Flow.until} and {@link Flow.end}.
 */
export class Flow implements AsyncDisposable {
  readonly watch: KvWatch;
  readonly batches: WatchBatch[] = [];
  readonly updates: KvUpdate[] = [];
  /** Entries that a floor took away. */
  sweptAway = 0;
  readonly #held = new Map<string, KvPut>();
  #floor: WatchCursor | undefined;
  readonly #iterator: AsyncIterator<WatchBatch>;
  #asked: Promise<IteratorResult<WatchBatch>> | undefined;

  constructor(watch: KvWatch) {
    this.watch = watch;
    this.#iterator = watch[Symbol.asyncIterator]();
  }

  static async open(bucket: KvStore, scope: WatchScope, options?: WatchOptions): Promise<Flow> {
    return new Flow(await bucket.watch(scope, options));
  }

  /** The newest batch's position. */
  get cursor(): WatchCursor {
    return this.batches.at(-1)?.cursor ?? WatchCursor.none;
  }

  get caughtUp(): boolean {
    return this.batches.at(-1)?.caughtUp ?? false;
  }

  /** `key=value` of a put, `-key` of a removal, in the order in which they came. */
  get story(): string[] {
    return this.updates.map(describeUpdate);
  }

  /** What a copy holds that was given all of it. */
  get copy(): Map<string, string> {
    const copy = new Map<string, string>();
    for (const update of this.updates) {
      if (update.kind === "put") copy.set(update.key, new TextDecoder().decode(update.value));
      else copy.delete(update.key);
    }
    return copy;
  }

  /** The newest floor told. */
  get floor(): WatchCursor | undefined {
    return this.#floor;
  }

  /** What a copy holds that was given all of it and drops what the floors say has gone. */
  get swept(): Map<string, string> {
    const held = [...this.#held.values()];
    return new Map(held.map(({ key, value }) => [key, new TextDecoder().decode(value)]));
  }

  /** Reads batches until `condition` holds. */
  async until(what: string, condition: () => boolean): Promise<this> {
    const end = performance.now() + DEADLINE_MS;
    while (!condition()) {
      const step = await this.#step(what, end);
      assert.ok(step.done !== true, `the watch ended before: ${what}`);
      this.#take(step.value);
    }
    return this;
  }

  untilCaughtUp(): Promise<this> {
    return this.until("caught up", () => this.caughtUp);
  }

  /** Reads until so many updates have come. */
  untilUpdates(count: number): Promise<this> {
    return this.until(`${count} updates`, () => this.updates.length >= count);
  }

  /** Asks for the next batch without waiting for it. */
  ask(): void {
    this.#asked ??= this.#iterator.next();
    this.#asked.catch(() => undefined);
  }

  /** Reads to the end of the watch; gives what it threw, `undefined` where it ended without an error. */
  async end(): Promise<unknown> {
    const end = performance.now() + DEADLINE_MS;
    try {
      for (;;) {
        const step = await this.#step("the end of the watch", end);
        if (step.done === true) return undefined;
        this.#take(step.value);
      }
    } catch (error) {
      assert.ok(!(error instanceof assert.AssertionError), error as Error);
      return error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.watch.close();
  }

  /** A watch that is level goes on saying so: a deadline for each step would never pass. */
  async #step(what: string, end: number): Promise<IteratorResult<WatchBatch>> {
    this.ask();
    const leftMs = Math.max(1, end - performance.now());
    const step = await within(what, this.#asked as Promise<IteratorResult<WatchBatch>>, leftMs);
    if (performance.now() > end) assert.fail(`not within ${DEADLINE_MS} ms: ${what}`);
    this.#asked = undefined;
    return step;
  }

  #take(batch: WatchBatch): void {
    assert.ok(batch.updates.length <= MAX_UPDATES, `${batch.updates.length} updates in a batch`);
    assert.ok(batch.caughtUp || !this.caughtUp, "caughtUp went back to false");
    assert.ok(batch.pending >= 0 && Number.isInteger(batch.pending), `pending ${batch.pending}`);
    let last = this.updates.at(-1)?.version.toHex() ?? "";
    for (const { version } of batch.updates) {
      assert.ok(version.toHex() > last, `version ${version.toHex()} came after ${last}`);
      last = version.toHex();
    }
    const cursor = batch.cursor.toHex();
    assert.ok(cursor >= this.cursor.toHex(), "the cursor went back");
    assert.ok(cursor >= last, `cursor ${cursor} is before the last update, ${last}`);
    const head = batch.head?.toHex() ?? cursor;
    assert.ok(head >= cursor, `cursor ${cursor} is beyond the stream's end, ${head}`);
    const rebuilds = this.batches.at(-1)?.rebuilds ?? 0;
    assert.ok((batch.rebuilds ?? 0) >= rebuilds, "rebuilds went back");
    this.batches.push(batch);
    this.updates.push(...batch.updates);
    this.#hold(batch);
  }

  #hold({ updates, floor, cursor }: WatchBatch): void {
    for (const update of updates) {
      if (update.kind === "put") this.#held.set(update.key, update);
      else this.#held.delete(update.key);
    }
    if (floor === undefined) return;
    const lowest = floor.toHex();
    assert.ok(lowest > (this.#floor?.toHex() ?? ""), "the floor went back, or is told again");
    assert.ok((floor.toU64() ?? 0n) <= (cursor.toU64() ?? 0n) + 1n, "the floor is past the cursor");
    this.#floor = floor;
    for (const { key, version } of this.#held.values()) {
      if (version.toHex() < lowest && this.#held.delete(key)) this.sweptAway += 1;
    }
  }
}

/** What `promise` gives; fails, naming what was waited for, after a deadline that no healthy backend meets. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new assert.AssertionError({ message: `not within ${deadlineMs} ms: ${what}` }));
    }, deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function describeUpdate(update: KvUpdate): string {
  return update.kind === "put"
    ? `${update.key}=${new TextDecoder().decode(update.value)}`
    : `-${update.key}`;
}

/** What a watch throws, at the call or at its first batch. */
export async function watchError(
  bucket: KvStore,
  scope: WatchScope,
  options: WatchOptions,
): Promise<unknown> {
  try {
    await using flow = await Flow.open(bucket, scope, options);
    return await flow.end();
  } catch (error) {
    return error;
  }
}
