import { nodeFileSystem, runInWorker, type FileSystem, type Random } from "../../platform/index.js";
import type { Dump } from "./compaction.js";
import { answerOf, type PrefixJob } from "./compact-job.js";
import type { DumpTarget } from "./dump.js";
import type { LogFile } from "../log-file.js";
import { foldPrefix } from "./prefix-fold.js";

/** The beginning of a log, which nothing changes any more. */
export interface LogPrefix {
  readonly fs: FileSystem;
  readonly random: Random;
  /** As the caller gave it, for messages. */
  readonly path: string;
  /** Resolved. */
  readonly target: string;
  readonly source: LogFile;
  /** It ends here, with a whole frame. */
  readonly end: number;
}

/** A shorter log is done in this thread, a slice at a time, before a worker would have started. */
const WORKER_FROM_BYTES = 1024 * 1024;

/**
 * Writes what the prefix adds up to: in a thread of its own where the files are the machine's, which a worker can open too;
 * else, or where a bundler has left the worker's script behind, in this thread, giving way between slices.
 */
export function dumpOfPrefix(prefix: LogPrefix): Dump {
  const { fs, path, end, source, random } = prefix;
  return async (target, temporary) => {
    if (fs === nodeFileSystem && end >= WORKER_FROM_BYTES) {
      const dumpEnd = await dumpInWorker(prefix, target, temporary);
      if (dumpEnd !== undefined) return dumpEnd;
    }
    return await foldPrefix(source.handle, path, end, target, random);
  };
}

/** Undefined where there is no worker to be had. */
async function dumpInWorker(
  { path, target: sourcePath, source, end }: LogPrefix,
  { codec, salt, ancestor, signal }: DumpTarget,
  temporary: string,
): Promise<number | undefined> {
  const { fileId } = await source.handle.stat();
  const job: PrefixJob = {
    path,
    source: sourcePath,
    fileId,
    end,
    temporary,
    format: codec.format,
    salt,
    ancestor: ancestor === undefined ? undefined : { offset: ancestor.offset, salt: ancestor.salt },
  };
  const script = new URL("./compact-worker.js", import.meta.url);
  const outcome = await runInWorker(script, job, signal);
  return outcome.state === "missing" ? undefined : answerOf(outcome.answer);
}
