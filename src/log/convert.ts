import { dirname } from "node:path";
import { IoError } from "../errors/index.js";
import {
  nodeFileSystem,
  systemRandom,
  type FileHandle,
  type FileSystem,
  type Random,
} from "../platform/index.js";
import type { KvUpdate, LogPosition } from "../values/index.js";
import type { BatchEncoder, LogCodec, LogFormat } from "./codec.js";
import { codecOf } from "./codecs.js";
import { io } from "./io-errors.js";
import { openForReading } from "./open-log.js";
import { newSalt } from "./salt.js";
import { scanLog } from "./scan-log.js";
import type { LogVisitor } from "./visitor.js";

/** What {@link convert} is given. */
export interface ConvertOptions {
  /** Of the file to make. */
  readonly format: LogFormat;
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
  /** For the salt of the new file. Default: the machine's own. */
  readonly random?: Random;
}

/** What a conversion carried over, and what not. */
export interface ConvertResult {
  /** The format of the file that was read, and that of the one made. */
  readonly from: LogFormat;
  readonly to: LogFormat;
  /** Puts and removals that were carried over. */
  readonly updates: number;
  /** Size of the new file. */
  readonly bytes: number;
  /** Bytes at the end of the old one that were left out: a write that was cut short. */
  readonly tornBytes: number;
  readonly dropped: DroppedParts;
}

/** How many of what the new format has no room for; all 0 but from format 3 to 2. */
export interface DroppedParts {
  /** Times of puts and removals. */
  readonly times: number;
  readonly ttls: number;
  /** Purges that became deletes. */
  readonly purges: number;
  /** Times of cursors. */
  readonly cursorTimes: number;
  /** Texts that say what the cursors belong to. */
  readonly origins: number;
}

/** Written at once; a longer run without a position becomes several frames. */
const SLICE_BYTES = 256 * 1024;
const SUFFIX = ".convert.tmp";
/** Codes of file systems on which a file has one name only. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Writes the log at `path` to the new file `to` in another format, change by change and position by position, so that it adds up
 * to the same. The old file stays as it is; it may be being written: what is there at the call counts. The new one has
 * its mode; it appears whole and synced, or not at all, under a writer's lock. Holds one chunk of either.
 *
 * Throws `io` where nothing is at `path` or something at `to`, `locked` where somebody has `to`, and `corrupted` or
 * `invalid-format` with the offset for damage.
 */
export async function convert(
  path: string,
  to: string,
  options: ConvertOptions,
): Promise<ConvertResult> {
  const fs = options.fs ?? nodeFileSystem;
  const source = await openForReading(fs, path);
  if (source === undefined) {
    throw new IoError(path, "convert", "nothing is there", "Name the snapshot file itself.");
  }
  try {
    const target = await io(to, "make", () => fs.realPath(to));
    const lock = await io(to, "lock", () => fs.lock(target));
    try {
      return await io(to, "make", async () => {
        if ((await fs.stat(target)) !== undefined) throw taken(to);
        return await makeFile(fs, source, path, target, options);
      });
    } finally {
      await lock.release();
    }
  } finally {
    await source.close().catch(() => undefined);
  }
}

async function makeFile(
  fs: FileSystem,
  source: FileHandle,
  path: string,
  target: string,
  { format, random = systemRandom }: ConvertOptions,
): Promise<ConvertResult> {
  const temporary = `${target}${SUFFIX}`;
  await fs.remove(temporary);
  const { permissions } = await source.stat();
  const handle = await fs.open(temporary, "create-new");
  try {
    const writer = new ConvertingWriter(handle, codecOf(format), newSalt(random));
    const { format: from, tornBytes } = await scanLog(source, path, writer);
    const bytes = writer.finish();
    await handle.setPermissions(permissions);
    await handle.sync();
    await takeName(fs, temporary, target);
    await fs.syncDirectory(dirname(target));
    const { updates, dropped } = writer;
    // A scan that does not throw has found a whole header.
    return { from: from ?? format, to: format, updates, bytes, tornBytes, dropped };
  } finally {
    await handle.close().catch(() => undefined);
    await fs.remove(temporary).catch(() => undefined);
  }
}

/** By a link, which replaces no file; without links the lock and the look just before must do. */
async function takeName(fs: FileSystem, temporary: string, target: string): Promise<void> {
  try {
    await fs.link(temporary, target);
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") throw taken(target);
    if (!NO_LINKS.has(code)) throw cause;
    if ((await fs.stat(target)) !== undefined) throw taken(target);
    await fs.rename(temporary, target);
  }
}

function taken(to: string): IoError {
  return new IoError(
    to,
    "make",
    "it is there already",
    "Name a new file, or remove this one first.",
  );
}

/** Encodes what a scan hands on, and counts what has no room. */
class ConvertingWriter implements LogVisitor {
  updates = 0;
  readonly dropped = { times: 0, ttls: 0, purges: 0, cursorTimes: 0, origins: 0 };
  readonly #handle: FileHandle;
  readonly #codec: LogCodec;
  readonly #salt: Uint8Array;
  readonly #batch: BatchEncoder;
  #end = 0;
  #origin: string | undefined;

  constructor(handle: FileHandle, codec: LogCodec, salt: Uint8Array) {
    this.#handle = handle;
    this.#codec = codec;
    this.#salt = salt;
    this.#batch = codec.encoder();
    this.#write(codec.header(salt));
  }

  update(update: KvUpdate): void {
    this.updates += 1;
    if (this.#codec.format === 2) this.#countUpdate(update);
    this.#batch.add(update);
    if (this.#batch.length >= SLICE_BYTES) this.#endBatch(undefined);
  }

  position(position: LogPosition): void {
    const origin = position.origin === this.#origin ? undefined : position.origin;
    this.#origin = position.origin;
    if (this.#codec.format === 2) {
      if (origin !== undefined) this.dropped.origins += 1;
      if (position.cursorTimeNs !== 0n) this.dropped.cursorTimes += 1;
    }
    this.#endBatch({ ...position, origin });
  }

  /** Size of the file. */
  finish(): number {
    if (this.#batch.records > 0) this.#endBatch(undefined);
    return this.#end;
  }

  #countUpdate({ kind, timeMs, ttlMs }: KvUpdate): void {
    if (kind === "purge") this.dropped.purges += 1;
    if (timeMs !== undefined) this.dropped.times += 1;
    if (ttlMs !== undefined) this.dropped.ttls += 1;
  }

  #endBatch(position: LogPosition | undefined): void {
    this.#batch.end(position);
    this.#write(this.#batch.stamp({ offset: this.#end, salt: this.#salt }));
    this.#batch.clear(SLICE_BYTES * 2);
  }

  #write(bytes: Uint8Array): void {
    this.#handle.writeSync(bytes, this.#end);
    this.#end += bytes.length;
  }
}
