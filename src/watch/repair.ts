import { type KvReader, prefixesOf, type WatchBatch, type WatchScope } from "../kv/index.js";
import { nextTurn } from "../platform/index.js";
import { vanishedKeys } from "../rules/index.js";
import { type KvRemoval, VersionToken, WatchCursor } from "../values/index.js";
import { orAbort } from "./or-abort.js";

/** As many as a source hands over at most. */
const DELETES_PER_BATCH = 1000;
/** Keys compared between two turns of the event loop: a few milliseconds. */
const KEYS_PER_TURN = 4096;

/** The bucket's live keys in scope. All of them or a throw: half a listing would delete keys that are there. */
export async function listLiveKeys(
  reader: KvReader,
  scope: WatchScope,
  signal: AbortSignal,
): Promise<Set<string>> {
  const live = new Set<string>();
  for (const prefix of prefixesOf(scope)) {
    const keys = reader.keys(prefix)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await orAbort(keys.next(), signal);
        if (next.done === true) break;
        live.add(next.value);
      }
    } catch (error) {
      // Not awaited: a listing that hangs must not hold up the shutdown that interrupted it.
      keys.return?.().catch(() => undefined);
      throw error;
    }
  }
  return live;
}

/** {@link vanishedKeys}, giving way to other work. Nothing may be added to the copy meanwhile. */
export async function findVanished(
  known: Iterable<string>,
  live: ReadonlySet<string>,
): Promise<string[]> {
  const vanished = new Set<string>();
  let slice: string[] = [];
  const compare = (): void => {
    for (const key of vanishedKeys(slice, live)) vanished.add(key);
    slice = [];
  };
  for (const key of known) {
    slice.push(key);
    if (slice.length < KEYS_PER_TURN) continue;
    compare();
    await nextTurn();
  }
  compare();
  return [...vanished];
}

/** The flow of synthetic deletes: versions are unknown and there is no bookmark, so that no position moves. */
export async function* deletesOf(keys: readonly string[]): AsyncGenerator<WatchBatch> {
  for (let start = 0; start < keys.length; start += DELETES_PER_BATCH) {
    const updates = keys
      .slice(start, start + DELETES_PER_BATCH)
      .map((key): KvRemoval => ({ kind: "delete", key, version: VersionToken.unknown }));
    yield { updates, cursor: WatchCursor.none, pending: 0, caughtUp: false };
  }
}
