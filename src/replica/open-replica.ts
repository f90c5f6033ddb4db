import { join } from "node:path";
import { IoError, isMillpondError, MillpondError } from "../errors/index.js";
import { prefixesOf, scopeOf, type WatchScope } from "../kv/index.js";
import { type FileSystem, nodeFileSystem, systemClock, type Clock } from "../platform/index.js";
import {
  AppendLogSnapshot,
  type AppendLogSnapshotOptions,
  type SnapshotStore,
} from "../store/index.js";
import { checkLimits } from "../watch/index.js";
import { assemble } from "./assemble.js";
import { checkOptions } from "./check-options.js";
import type { ReplicaOptions } from "./options.js";
import { LOG_NAME, OriginFile } from "./origin-file.js";
import { OriginNote } from "./origin-note.js";
import { Progress } from "./progress.js";
import type { Replica } from "./replica.js";
import { SeenFile } from "./seen.js";

/**
 * Opens the copy in `path` and begins to follow the bucket. Resolves as soon as the copy on disk can be read, whether or not
 * the bucket can be reached: {@link Replica.ready} waits for that. Throws `io` for a directory that cannot be made or read,
 * `locked` where another replica keeps its copy there, `invalid-format` for a log that is none or a newer version's, with
 * `onCorruption: "throw"` also `corrupted` and `invalid-format` for one that is damaged, `invalid-key` and `invalid-argument` for options out of bounds, with
 * `onForeignCopy: "throw"` also `invalid-argument` for the copy of a bucket of another name; an aborted signal's reason.
 */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  checkOptions(options);
  const { path, signal, source, fs = nodeFileSystem, clock = systemClock } = options;
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
    return await openOver(store, { options, scope, progress, fs, clock });
  } catch (error) {
    await store.close();
    throw error;
  }
}

interface Opening {
  readonly options: ReplicaOptions;
  readonly scope: WatchScope;
  readonly progress: Progress;
  readonly fs: FileSystem;
  readonly clock: Clock;
}

/** Everything is read under the log's lock: nobody else can be changing it. */
async function openOver(store: SnapshotStore, opening: Opening): Promise<Replica> {
  const { options, scope, progress, fs, clock } = opening;
  const note = await OriginNote.read(store, new OriginFile(fs, options.path));
  if (options.onForeignCopy === "throw") requireSameBucket(options, store, note);
  if (progress.hasRepairedLog) await note.forgetAfterDamage();
  const seenFile = new SeenFile(fs, options.path);
  const seen = await seenFile.read();
  // It is of what was there before, and would vouch for what has been filled in half.
  if (store.cursor().isNone) await seenFile.remove();
  options.signal?.throwIfAborted();
  return assemble({
    options,
    scope,
    prefixes: prefixesOf(scope),
    store,
    note,
    seenFile,
    seen,
    progress,
    clock,
  });
}

/** By name alone: a bucket made again under its name is what the copy was meant for. A copy that holds nothing loses nothing. */
function requireSameBucket(
  { source, path }: ReplicaOptions,
  store: SnapshotStore,
  { identity }: OriginNote,
): void {
  if (identity === undefined || identity.bucket === source.name) return;
  if (store.size === 0 && store.cursor().isNone) return;
  throw new MillpondError(
    "invalid-argument",
    `${path} holds a copy of the bucket ${identity.bucket}, not of ${source.name}`,
    {
      hint: "Give each bucket a directory of its own, or have this copy replaced (`onForeignCopy`, on the command line `--replace`).",
    },
  );
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
