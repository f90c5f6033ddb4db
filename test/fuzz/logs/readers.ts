import { readSnapshot } from "../../../src/log/index.js";
import type { FileSystem } from "../../../src/platform/index.js";
import type { KvEntry, LogPosition } from "../../../src/values/index.js";
import { endingOf, State, stateText, type Ending } from "../../log/sweep/outcome.js";
import { LOG_PATH } from "../../support/v3-logs.js";

/** What the plain reader takes from these bytes, and how it ends. */
export async function plainly(bytes: Buffer): Promise<{ ending: Ending; text: string }> {
  const state = new State();
  const ending = await endingOf(bytes, state);
  return { ending, text: state.text };
}

/** The text of no entries and no position. */
export const NOTHING = stateText([], undefined);

/** What the log on this disk loads to, as text. Throws what reading it throws. */
export async function loaded(fs: FileSystem, path = LOG_PATH): Promise<string> {
  const snapshot = await readSnapshot(path, { fs });
  return snapshot === undefined ? NOTHING : stateText(snapshot.entries.values(), snapshot);
}

/** The state of a store or a follower, as text. */
export function shown(entries: Iterable<KvEntry>, position: LogPosition): string {
  return stateText(entries, position);
}
