import { type KvReader, prefixesOf, type WatchBatch, type WatchScope } from "../kv/index.js";
import { type KvRemoval, VersionToken, WatchCursor } from "../values/index.js";
import { orAbort } from "./or-abort.js";

/** As many as a source hands over at most. */
const DELETES_PER_BATCH = 1000;

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

/** The flow of synthetic deletes: versions are unknown and there is no bookmark, so that no position moves. */
export async function* deletesOf(keys: readonly string[]): AsyncGenerator<WatchBatch> {
  for (let start = 0; start < keys.length; start += DELETES_PER_BATCH) {
    const updates = keys
      .slice(start, start + DELETES_PER_BATCH)
      .map((key): KvRemoval => ({ kind: "delete", key, version: VersionToken.unknown }));
    yield { updates, cursor: WatchCursor.none, pending: 0, caughtUp: false };
  }
}
