import type { KvEntry, KvUpdate } from "../../src/values/index.js";
import { del, put } from "./updates.js";

const KEYS = 60;
const SOME_PRIME = 7919;

/** The update of this revision in an endless, reproducible history over a few keys: one in nine is a delete. */
export function updateAt(revision: number): KvUpdate {
  const key = `key.${(revision * SOME_PRIME) % KEYS}`;
  if (revision % 9 === 0) return del(key, revision);
  return put(key, `${revision} ${"v".repeat((revision * 31) % 300)}`, revision);
}

/** What the history up to and with `revision` adds up to. */
export function stateAt(revision: number): Map<string, KvEntry> {
  const state = new Map<string, KvEntry>();
  for (let at = 1; at <= revision; at += 1) {
    const update = updateAt(at);
    if (update.kind === "put") state.set(update.key, update);
    else state.delete(update.key);
  }
  return state;
}
