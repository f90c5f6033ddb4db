import type { KvReader, KvWatch, KvWatcher, WatchBatch, WatchScope } from "../../src/kv/index.js";
import { prefixesOf } from "../../src/kv/index.js";
import type { WatchOptions } from "../../src/kv/index.js";
import {
  type KvEntry,
  type KvPut,
  type KvRemoval,
  type KvUpdate,
  VersionToken,
  WatchCursor,
} from "../../src/values/index.js";

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
  rest: { cursor?: WatchCursor; pending?: number; caughtUp?: boolean } = {},
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

/** A bucket that does what the test says: watches to feed, set-ups and listings to fail. */
export class ScriptedSource implements KvWatcher, KvReader {
  readonly watches: ScriptedWatch[] = [];
  /** What was asked of it, in order: `watch from 5`, `list ""`. */
  readonly calls: string[] = [];
  /** Thrown by the next set-ups, in order; `undefined` lets one through. */
  readonly setUpErrors: unknown[] = [];
  /** Thrown by the next listings after their first key, in order. */
  readonly listingErrors: unknown[] = [];
  liveKeys: string[] = [];

  /** The watch set up last. */
  get current(): ScriptedWatch {
    const watch = this.watches.at(-1);
    if (watch === undefined) throw new Error("nothing watches");
    return watch;
  }

  async watch(scope: WatchScope, options: WatchOptions = {}): Promise<KvWatch> {
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

  async *keys(prefix = ""): AsyncIterable<string> {
    this.calls.push(`list ${JSON.stringify(prefix)}`);
    const error = this.listingErrors.shift();
    for (const key of this.liveKeys.filter((live) => live.startsWith(prefix))) {
      yield key;
      if (error !== undefined) break;
    }
    if (error !== undefined) throw error;
  }

  get(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  entry(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async *scan(): AsyncIterable<KvEntry> {
    // A repair must not fetch values.
  }
}
