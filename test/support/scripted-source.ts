import {
  inScope,
  prefixesOf,
  type KvRecord,
  type KvRecordHead,
  type KvWatch,
  type KvWatcher,
  type WatchBatch,
  type WatchOptions,
  type WatchScope,
} from "../../src/kv/index.js";
import {
  type KvPut,
  type KvRemoval,
  type KvUpdate,
  VersionToken,
  WatchCursor,
} from "../../src/values/index.js";
import type { WatchAuditor } from "../../src/watch/index.js";

const encoder = new TextEncoder();

export function put(key: string, revision: number, value = `${key}@${revision}`): KvPut {
  return {
    kind: "put",
    key,
    value: encoder.encode(value),
    version: VersionToken.fromU64(revision),
  };
}

export function removal(key: string, revision: number): KvRemoval {
  return { kind: "delete", key, version: VersionToken.fromU64(revision) };
}

export function at(revision: number): WatchCursor {
  return WatchCursor.fromU64(revision);
}

/** A batch whose bookmark is, unless told, the version of its last update. */
export function batchOf(
  updates: readonly KvUpdate[],
  rest: Partial<Omit<WatchBatch, "updates">> = {},
): WatchBatch {
  const last = updates.at(-1);
  const cursor = last === undefined ? WatchCursor.none : WatchCursor.fromVersion(last.version);
  return { updates, cursor, pending: 0, caughtUp: false, ...rest };
}

/** What is said for people and assertions: `put a@3`, `delete b@?`. */
export function told({ kind, key, version }: KvUpdate): string {
  return `${kind} ${key}@${version.toU64() ?? "?"}`;
}

/** One watch, whose batches the test hands over. */
export class ScriptedWatch implements KvWatch {
  readonly from: WatchCursor | undefined;
  /** How often a batch was asked for. */
  asked = 0;
  closed = false;
  readonly #steps: (WatchBatch | { readonly error: unknown } | "end")[] = [];
  #wake: (() => void) | undefined;

  constructor(from: WatchCursor | undefined) {
    this.from = from;
  }

  give(...batches: WatchBatch[]): void {
    this.#steps.push(...batches);
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#steps.push({ error });
    this.#wake?.();
  }

  end(): void {
    this.#steps.push("end");
    this.#wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    return { next: () => this.#next() };
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #next(): Promise<IteratorResult<WatchBatch>> {
    this.asked += 1;
    while (this.#steps.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const step = this.#steps.shift();
    if (step === undefined || step === "end") return { done: true, value: undefined };
    if ("error" in step) throw step.error;
    return { done: false, value: step };
  }
}

/** A bucket that does what the test says: watches to feed, set-ups and listings to fail, records to be audited. */
export class ScriptedSource implements KvWatcher, WatchAuditor {
  readonly watches: ScriptedWatch[] = [];
  /** What was asked of it, in order: `watch from 5`, `list`, `count`, `entry a`, `record at 5`. */
  readonly calls: string[] = [];
  /** Thrown by the next set-ups, in order; `undefined` lets one through. */
  readonly setUpErrors: unknown[] = [];
  /** Thrown by the next listings after their first record, in order. */
  readonly listingErrors: unknown[] = [];
  /** Its records, in the order of a listing. */
  readonly kept = new Map<string, KvRecord>();
  /** What the last watch was asked with. */
  asked: WatchOptions = {};
  /** Run in the middle of the next listing, after its first record. */
  duringListing: (() => Promise<void>) | undefined;
  connected = true;
  readonly #linkListeners = new Set<() => void>();

  /** The watch set up last. */
  get current(): ScriptedWatch {
    const watch = this.watches.at(-1);
    if (watch === undefined) throw new Error("nothing watches");
    return watch;
  }

  /** What its records are from now on. */
  keep(...updates: readonly KvUpdate[]): void {
    this.kept.clear();
    for (const update of updates) {
      this.kept.set(update.key, { value: new Uint8Array(0), ...update });
    }
  }

  setConnected(connected: boolean): void {
    this.connected = connected;
    for (const listener of this.#linkListeners) listener();
  }

  onConnectedChange(listener: () => void): () => void {
    this.#linkListeners.add(listener);
    return () => void this.#linkListeners.delete(listener);
  }

  async watch(scope: WatchScope, options: WatchOptions = {}): Promise<KvWatch> {
    this.asked = options;
    const from = options.from?.toU64();
    this.calls.push(
      `watch ${prefixesOf(scope).join(",") || "all"}${from === undefined ? "" : ` from ${from}`}`,
    );
    const error = this.setUpErrors.shift();
    if (error !== undefined) throw error;
    const watch = new ScriptedWatch(options.from);
    this.watches.push(watch);
    return watch;
  }

  async *records(scope: WatchScope): AsyncIterable<KvRecordHead> {
    this.calls.push("list");
    const error = this.listingErrors.shift();
    for (const record of this.kept.values()) {
      if (inScope(scope, record.key)) yield record;
      if (error !== undefined) break;
      await this.duringListing?.();
      this.duringListing = undefined;
    }
    if (error !== undefined) throw error;
  }

  countRecords(scope: WatchScope): Promise<number> {
    this.calls.push("count");
    return Promise.resolve([...this.kept.keys()].filter((key) => inScope(scope, key)).length);
  }

  recordAt(position: WatchCursor): Promise<KvRecordHead | undefined> {
    this.calls.push(`record at ${position.toU64()}`);
    const isThere = ({ version }: KvRecord): boolean => version.toU64() === position.toU64();
    return Promise.resolve([...this.kept.values()].find(isThere));
  }

  entry(key: string): Promise<KvRecord | undefined> {
    this.calls.push(`entry ${key}`);
    return Promise.resolve(this.kept.get(key));
  }
}
