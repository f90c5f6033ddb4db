import type { WatchCursor } from "../values/index.js";
import type { WatchAppliedOptions } from "./options.js";
import { startWatch } from "./start-watch.js";

/**
 * Follows a bucket and hands its updates, in batches, to `apply`; reports a position only once everything up to it has been
 * applied and stored. For each batch, in this order: `apply` to completion; the position moves to the highest version received
 * (also of updates that `parse` turned down; an unknown version never moves it) or the source's bookmark; `store` takes the raw
 * updates and the position; `onApplied` is told.
 *
 * Failures of the source are retried for ever, from the last position, after growing waits with jitter, which grow longer where only a person can
 * mend them (see also {@link WatchAppliedOptions.failFast}). Failures of the store hold back the position, not the updates
 * (see {@link HeldOptions}). `onEvent` tells of both. A position that is no longer good is repaired where there is a `store` or
 * `knownKeys`: the full state is watched, what the copy has already is left out, and what the bucket no longer has is deleted in the end. A repair
 * that fits into {@link HeldOptions} is one batch, whatever `batch` says.
 *
 * A watch keeps the process alive until it ends. It resolves after `signal` is aborted, which is no error: the open batch is flushed,
 * what is queued is dropped (it is delivered again next time), what the store refused is offered once more, and the last position
 * reported is returned. Rejects with what `parse`, `apply`, `onApplied` or `onEvent` threw; with the store's error after
 * `maxStoreFailures`, or at once where it cannot hold an update; with `cursor-expired` where there is neither `store` nor `knownKeys`; with
 * `invalid-argument` for options that are out of bounds.
 */
export function watchApplied<U>(options: WatchAppliedOptions<U>): Promise<WatchCursor> {
  return startWatch(options).done;
}
