import { MillpondError } from "../errors/index.js";
import type { KvUpdate } from "../values/index.js";
import {
  bytesOfChange,
  type CapturedChange,
  captureChanges,
  type ChangeBatch,
  changeOf,
  type ChangesOptions,
} from "./changes.js";

const MAX_QUEUED = 10_000;
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** What a copy tells those who follow its changes. While there is nobody it costs nothing. */
export class ChangeFeed {
  readonly #consumers = new Set<ChangeConsumer>();
  #end: { readonly error: unknown } | undefined;

  /** From this call on; throws `invalid-argument` for limits out of bounds. */
  subscribe(options: ChangesOptions): AsyncIterableIterator<ChangeBatch> {
    const consumer = new ChangeConsumer(options, () => this.#consumers.delete(consumer));
    if (this.#end !== undefined) consumer.end(this.#end.error);
    if (!consumer.hasEnded) this.#consumers.add(consumer);
    return consumer;
  }

  /** What the updates will change; call what is returned once they can be read. */
  capture(
    copy: Parameters<typeof captureChanges>[0],
    updates: readonly KvUpdate[],
  ): (() => void) | undefined {
    if (this.#consumers.size === 0) return undefined;
    const changes = captureChanges(copy, updates);
    return () => {
      for (const consumer of this.#consumers) consumer.give(changes);
    };
  }

  /** Ends every iteration, after what waits: with the error, or without one where there is none. */
  end(error: unknown): void {
    this.#end ??= { error };
    for (const consumer of this.#consumers) consumer.end(this.#end.error);
    this.#consumers.clear();
  }
}

/** One iteration: a queue with an end to it. */
class ChangeConsumer implements AsyncIterableIterator<ChangeBatch> {
  readonly #prefix: string;
  readonly #maxQueued: number;
  readonly #maxBytes: number;
  readonly #release: () => void;
  #queue: (readonly CapturedChange[])[] = [];
  #queued = 0;
  #bytes = 0;
  /** What the iteration ends with once the queue is empty; no error: just so. */
  #end: { readonly error: unknown } | undefined;
  /** Steps that wait for something to come, in order. */
  #steps: (() => void)[] = [];

  constructor(options: ChangesOptions, onEnd: () => void) {
    const { prefix = "", signal, maxQueued = MAX_QUEUED } = options;
    this.#prefix = prefix;
    this.#maxQueued = atLeastOne("maxQueued", maxQueued);
    this.#maxBytes = atLeastOne("maxQueuedBytes", options.maxQueuedBytes ?? MAX_QUEUED_BYTES);
    const onAbort = (): void => {
      this.#forget();
      this.end(signal?.reason);
    };
    this.#release = () => {
      signal?.removeEventListener("abort", onAbort);
      onEnd();
    };
    if (signal?.aborted === true) this.#end = { error: signal.reason };
    else signal?.addEventListener("abort", onAbort, { once: true });
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Takes those of its prefix; ends with `missed` where too many wait already. */
  give(changes: readonly CapturedChange[]): void {
    const own = changes.filter(({ update }) => update.key.startsWith(this.#prefix));
    if (own.length === 0 || this.#end !== undefined) return;
    if (this.#queued >= this.#maxQueued || this.#bytes >= this.#maxBytes) {
      this.#forget();
      this.end(missed(this.#maxQueued, this.#maxBytes));
      return;
    }
    this.#queue.push(own);
    this.#queued += own.length;
    for (const change of own) this.#bytes += bytesOfChange(change);
    this.#steps.shift()?.();
  }

  end(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#release();
    for (const step of this.#steps) step();
    this.#steps = [];
  }

  async next(): Promise<IteratorResult<ChangeBatch>> {
    while (this.#queue.length === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#steps.push(resolve);
      });
    }
    const changes = this.#queue.shift();
    if (changes !== undefined) {
      this.#queued -= changes.length;
      for (const change of changes) this.#bytes -= bytesOfChange(change);
      return { done: false, value: changes.map(changeOf) };
    }
    const error = this.#end?.error;
    // An iteration throws once, and has ended then.
    this.#end = { error: undefined };
    if (error !== undefined) throw error;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<ChangeBatch>> {
    this.#forget();
    this.end(undefined);
    this.#end = { error: undefined };
    return Promise.resolve({ done: true, value: undefined });
  }

  #forget(): void {
    this.#queue = [];
    this.#queued = 0;
    this.#bytes = 0;
  }
}

function missed(maxQueued: number, maxBytes: number): MillpondError {
  return new MillpondError(
    "missed",
    `changes came faster than they were taken: ${maxQueued} of them, or ${maxBytes} bytes, were waiting`,
    {
      hint: "Follow the changes anew and read the entries again; take them faster, or raise maxQueued.",
    },
  );
}

function atLeastOne(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new MillpondError(
    "invalid-argument",
    `${name} must be a whole number of 1 or more, not ${value}`,
  );
}
