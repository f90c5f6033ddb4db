import {
  CorruptedError,
  InvalidFormatError,
  isMillpondError,
  MillpondError,
  type ErrorCode,
} from "../../errors/index.js";
import { nodeFileSystem, systemRandom } from "../../platform/index.js";
import type { FilePlace, LogFormat } from "../codec.js";
import { codecOf } from "../codecs.js";
import { MovedAwayError } from "../in-place.js";
import { ioError } from "../io-errors.js";
import { foldPrefix } from "./prefix-fold.js";

/** What a worker needs to know to compact the beginning of a log: all of it can be copied between threads. */
export interface PrefixJob {
  /** As the caller gave it, for messages. */
  readonly path: string;
  /** Resolved. */
  readonly source: string;
  /** The source is opened by its path: this is the file it must be. */
  readonly fileId: string;
  readonly end: number;
  /** The empty file to write into. */
  readonly temporary: string;
  readonly format: LogFormat;
  readonly salt: Uint8Array;
  readonly ancestor: FilePlace | undefined;
}

type JobAnswer =
  | { readonly dumpEnd: number }
  | {
      readonly failure: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly hint: string | undefined;
        readonly path: string | undefined;
        readonly offset: number | undefined;
      };
    };

/** In the worker. */
export async function runPrefixJob(job: PrefixJob): Promise<JobAnswer> {
  try {
    return { dumpEnd: await compactPrefix(job) };
  } catch (error) {
    const failed = isMillpondError(error) ? error : ioError(job.path, "rewrite", error);
    const { code, message, hint, path, offset } = failed as MillpondError & Partial<Located>;
    return { failure: { code, message, hint, path, offset } };
  }
}

interface Located {
  readonly path: string | undefined;
  readonly offset: number | undefined;
}

/** In the thread that asked. Throws what went wrong in the worker. */
export function answerOf(answer: unknown): number {
  const given = answer as JobAnswer;
  if ("dumpEnd" in given) return given.dumpEnd;
  const { code, message, hint, path = "", offset = 0 } = given.failure;
  const options = hint === undefined ? {} : { hint };
  if (code === "corrupted") {
    const [, what = message] = message.split(/ is damaged at byte \d+: /);
    throw new CorruptedError(path, offset, what, options);
  }
  if (code === "invalid-format") throw new InvalidFormatError(message, { path, offset }, options);
  throw new MillpondError(code, message, options);
}

async function compactPrefix(job: PrefixJob): Promise<number> {
  const { path, end, salt, ancestor } = job;
  const source = await nodeFileSystem.open(job.source, "read");
  try {
    if ((await source.stat()).fileId !== job.fileId) throw new MovedAwayError(path);
    const handle = await nodeFileSystem.open(job.temporary, "write");
    try {
      const { signal } = new AbortController();
      const target = { handle, codec: codecOf(job.format), salt, ancestor, signal };
      return await foldPrefix(source, path, end, target, systemRandom);
    } finally {
      await handle.close();
    }
  } finally {
    await source.close();
  }
}
