import { join } from "node:path";
import { IoError, isMillpondError } from "../errors/index.js";
import { prefixesOf, scopeOf } from "../kv/index.js";
import { nodeFileSystem, systemClock } from "../platform/index.js";
import {
  AppendLogSnapshot,
  type AppendLogSnapshotOptions,
  type SnapshotStore,
} from "../store/index.js";
import { checkLimits } from "../watch/index.js";
import { CurrentCopy } from "./current-copy.js";
import type { ReplicaOptions } from "./options.js";
import { ReplicaOrigin } from "./origin.js";
import { LOG_NAME, OriginFile } from "./origin-file.js";
import { OriginNote } from "./origin-note.js";
import { Progress } from "./progress.js";
import type { Replica } from "./replica.js";
import { RunningReplica } from "./running-replica.js";

/**
 * Opens the copy in `path` and begins to follow the bucket. Resolves as soon as the copy on disk can be read, whether or not
 * the bucket can be reached: {@link Replica.ready} waits for that. Throws `io` for a directory that cannot be made or read,
 * `locked` where another replica keeps its copy there, `invalid-format` for a log that is none or a newer version's, with
 * `onCorruption: "throw"` also `corrupted` and `invalid-format` for one that is damaged, `invalid-key` and `invalid-argument` for options out of bounds; an aborted signal's reason.
 */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const { source, path, signal, fs = nodeFileSystem, clock = systemClock } = options;
  signal?.throwIfAborted();
  const scope = scopeOf(options.scope);
  checkLimits(options);
  const progress = new Progress(clock, source, (event) => options.onEvent?.(event));
  try {
    await fs.makeDirectory(path);
  } catch (error) {
    throw isMillpondError(error)
      ? error
      : new IoError(path, "make the directory", error, "The copy needs a directory of its own.");
  }
  const store = await openStore(options, join(path, LOG_NAME), progress);
  try {
    // Read under the log's lock: nobody else can be changing it.
    const note = await OriginNote.read(store, new OriginFile(fs, path));
    signal?.throwIfAborted();
    const copy = new CurrentCopy(store, note);
    const origin = new ReplicaOrigin(source, copy, prefixesOf(scope), note);
    progress.move("opened");
    return new RunningReplica({ options, scope, copy, origin, progress, clock });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What is the store's; what the caller leaves out keeps the store's own default. */
const STORE_OPTIONS = [
  "compactThreshold",
  "format",
  "durability",
  "maxMemoryBytes",
  "onCorruption",
  "keepCorrupt",
  "fs",
  "clock",
  "random",
] as const satisfies readonly (keyof AppendLogSnapshotOptions)[];

function storeOptionsOf(options: ReplicaOptions): AppendLogSnapshotOptions {
  const given = STORE_OPTIONS.map((name) => [name, options[name]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function openStore(
  options: ReplicaOptions,
  logPath: string,
  progress: Progress,
): Promise<SnapshotStore> {
  if (options.openStore !== undefined) return options.openStore(logPath);
  return AppendLogSnapshot.open(logPath, {
    ...storeOptionsOf(options),
    onRepair: (repair) => progress.logRepaired(repair),
  });
}
