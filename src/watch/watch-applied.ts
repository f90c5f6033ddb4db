import { MillpondError } from "../errors/index.js";
import { keepProcessAlive, systemClock, systemRandom } from "../platform/index.js";
import { WatchCursor } from "../values/index.js";
import type { WatchEvent } from "./events.js";
import { Flusher } from "./flusher.js";
import { limitsOf } from "./limits.js";
import type { WatchAppliedOptions } from "./options.js";
import type { RunningWatch } from "./running-watch.js";
import { StoreWriter } from "./store-writer.js";
import { Supervisor } from "./supervisor.js";

/**
 * Follows a bucket and hands its updates, in batches, to `apply`; reports a position only once everything up to it has been
 * applied and stored. For each batch, in this order: `apply` to completion; the position moves to the highest version received
 * (also of updates that `parse` turned down; an unknown version never moves it) or the source's bookmark; `store` takes the raw
 * updates and the position; `onApplied` is told.
 *
 * Failures of the source are retried for ever, from the last position, after growing waits with jitter (see
 * {@link WatchAppliedOptions.failFast} for the first contact). Failures of the store hold back the position, not the updates
 * (see {@link HeldOptions}). `onEvent` tells of both. A position that is no longer good is repaired where there is a `reader`.
 *
 * A watch keeps the process alive until it ends. It resolves after `signal` is aborted, which is no error: the open batch is flushed, what is queued is dropped (it is delivered
 * again next time), what the store refused is offered once more, and the last position reported is returned. Rejects with
 * what `parse`, `apply`, `onApplied` or `onEvent` threw; with the store's error after `maxStoreFailures`, or at once where it cannot hold an update; with `cursor-expired`
 * where there is no reader; with `invalid-argument` for options that are out of bounds.
 */
export function watchApplied<U>(options: WatchAppliedOptions<U>): Promise<WatchCursor> {
  return startWatch(options).done;
}

/** As {@link watchApplied}, with a hold on the watch while it runs. */
export function startWatch<U>(options: WatchAppliedOptions<U>): RunningWatch {
  return {
    done: run(options),
    audit: () => Promise.reject(new MillpondError("invalid-argument", "cannot audit yet")),
    remove: () => Promise.reject(new MillpondError("invalid-argument", "cannot remove yet")),
  };
}

async function run<U>(options: WatchAppliedOptions<U>): Promise<WatchCursor> {
  const limits = limitsOf(options);
  checkRepairOptions(options);
  const { clock = systemClock, random = systemRandom, store, signal: outer } = options;
  const stop = new AbortController();
  const signal = stop.signal;
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    stop.abort(error);
  };
  const emit = (event: WatchEvent): void => {
    if (event.type === "caught-up") supervisor.caughtUp();
    try {
      options.onEvent?.(event);
    } catch (error) {
      fail(error);
    }
  };
  const cursor = options.resume ?? store?.cursor() ?? WatchCursor.none;
  const onDurable = (durable: WatchCursor): void => options.onApplied?.(durable);
  const writer = new StoreWriter({
    store,
    cursor,
    limits,
    clock,
    random,
    emit,
    onDurable,
    fail,
    signal,
  });
  const flusher = new Flusher({ apply: options.apply, writer, emit });
  const supervisor = new Supervisor({
    options,
    limits,
    writer,
    flusher,
    clock,
    random,
    emit,
    signal,
  });
  const onAbort = (): void => stop.abort(outer?.reason);
  outer?.addEventListener("abort", onAbort, { once: true });
  if (outer?.aborted === true) onAbort();
  const letProcessEnd = keepProcessAlive();
  try {
    await supervisor.run();
  } finally {
    outer?.removeEventListener("abort", onAbort);
    await writer.finish();
    letProcessEnd();
  }
  if (failure !== undefined) throw failure.error;
  return writer.durable;
}

function checkRepairOptions<U>(options: WatchAppliedOptions<U>): void {
  if (options.reader === undefined) return;
  if (options.store !== undefined || options.knownKeys !== undefined) return;
  throw new MillpondError(
    "invalid-argument",
    "a reader needs a store or knownKeys: a repair compares the bucket's keys with them",
  );
}
