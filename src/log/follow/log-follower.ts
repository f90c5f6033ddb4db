import { isMillpondError, type MillpondError } from "../../errors/index.js";
import type { FileHandle, FileSystem } from "../../platform/index.js";
import { ioError } from "../io-errors.js";
import { openForReading } from "../open-log.js";
import { LogScan } from "../scan-log.js";
import { HEAD_BYTES, HEADER_BYTES, LINEAGE_FRAME_BYTES } from "../v3/format.js";
import { HeadSeal } from "../v3/head.js";
import { NOBODY } from "../visitor.js";
import type { FollowedCopy } from "./followed-copy.js";
import { type Advance, FollowedFile, loadFile } from "./followed-file.js";
import { placeAfter } from "./jump.js";
import { Landmark } from "./landmark.js";

export interface LogFollowerParts<C extends FollowedCopy> {
  readonly fs: FileSystem;
  readonly path: string;
  /** An empty one; made for each file that is read from its start. */
  readonly makeCopy: () => C;
  /** From now on this is the copy: all that the file had is in it. */
  readonly show: (copy: C) => void;
  /** Is not shown any more, or never was: its memory may be used again. */
  readonly retire: (copy: C) => void;
}

/** What one look at a log came to. */
export interface Look {
  /** Whether there is a file at the path. */
  readonly isThere: boolean;
  /** Why what is there could not be taken; undefined where all of it was. */
  readonly problem: MillpondError | undefined;
}

/** Files read from their start, and files that were gone over to without. */
export interface FollowCounts {
  readonly loads: number;
  readonly jumps: number;
}

/** Looks between two tries to read a file that could not be read, and has not changed: five seconds by default. */
const LOOKS_BETWEEN = 200;
const LINEAGE_END = HEADER_BYTES + LINEAGE_FRAME_BYTES;

/**
 * Follows a log that another process writes: its growth and its compactions, which put a new file in its place. Takes no lock and
 * changes nothing. Each {@link LogFollower.look} takes what is there by then; the copy shown is at every moment what the log
 * said at one of its positions.
 *
 * A file that another one has replaced is read to its end first: its writer wrote nothing to it after that, and the new file
 * has all that it had. So the copy never goes back, unless the log did.
 */
export class LogFollower<C extends FollowedCopy> {
  readonly #parts: LogFollowerParts<C>;
  #file: FollowedFile | undefined;
  #copy: C | undefined;
  #loads = 0;
  #jumps = 0;
  #failed: { mark: string; problem: MillpondError; looksLeft: number } | undefined;

  constructor(parts: LogFollowerParts<C>) {
    this.#parts = parts;
  }

  get counts(): FollowCounts {
    return { loads: this.#loads, jumps: this.#jumps };
  }

  /** When the file was last written to, in milliseconds since the Unix epoch; undefined before there was one. */
  get modifiedMs(): number | undefined {
    return this.#file?.modifiedMs;
  }

  async look(): Promise<Look> {
    const { fs, path } = this.#parts;
    let isThere = this.#file !== undefined;
    try {
      const found = await fs.stat(path);
      isThere = found !== undefined;
      const isOther = found !== undefined && found.fileId !== this.#file?.fileId;
      const advanced = await this.#advance();
      if (!isOther && advanced === "taken") return { isThere, problem: undefined };
      const again = async (): Promise<void> => this.#file && this.#load(this.#file.handle);
      // Of a file that was written anew its place says nothing about the next one.
      const goOver = (): Promise<void> => this.#goOver(advanced !== "reload");
      const mark = `${found?.fileId} ${found?.writeMark}`;
      return { isThere, problem: await this.#try(mark, isOther ? goOver : again) };
    } catch (cause) {
      return { isThere, problem: ioError(path, "read", cause) };
    }
  }

  /**
   * To read a file from its start: another one, or this one where it cannot be read further, since it may have been cut off and
   * written anew. What could not be read is tried again when it has changed, or after a while.
   */
  async #try(mark: string, read: () => Promise<void>): Promise<MillpondError | undefined> {
    const { path } = this.#parts;
    const failed = this.#failed;
    if (failed?.mark === mark && failed.looksLeft > 0) {
      failed.looksLeft -= 1;
      return failed.problem;
    }
    try {
      await read();
      this.#failed = undefined;
    } catch (cause) {
      this.#failed = { mark, problem: ioError(path, "read", cause), looksLeft: LOOKS_BETWEEN };
    }
    return this.#failed?.problem;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  /** Takes what was appended. What the file system throws is thrown. */
  async #advance(): Promise<Advance | "stuck"> {
    if (this.#file === undefined) return "taken";
    try {
      return await this.#file.advance();
    } catch (error) {
      if (!isMillpondError(error)) throw error;
      return "stuck";
    }
  }

  /** To the file that is at the path by now. */
  async #goOver(mayJump: boolean): Promise<void> {
    const { fs, path } = this.#parts;
    const handle = await openForReading(fs, path);
    if (handle === undefined) return;
    const old = this.#file;
    try {
      const next = old && mayJump ? await this.#jump(old, handle) : undefined;
      if (next === undefined) await this.#load(handle);
      else this.#file = next;
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
    await old?.close();
    await this.#advance();
  }

  /** Where the new file says at what place of it the old one goes on, nothing of what is known has to be read again. */
  async #jump(old: FollowedFile, handle: FileHandle): Promise<FollowedFile | undefined> {
    const { path } = this.#parts;
    if (this.#copy === undefined) return undefined;
    const stat = await handle.stat();
    const scan = new LogScan(handle, path, NOBODY);
    const { format, salt, lineage } = await scan.advance(LINEAGE_END);
    const offset = placeAfter(lineage, old);
    if (format === undefined || offset === undefined || offset > stat.size) return undefined;
    if (offset < stat.size && !(await isFrame(handle, offset, salt))) return undefined;
    this.#jumps += 1;
    const landmark = await Landmark.before(handle, offset);
    return new FollowedFile(path, this.#copy, { handle, stat, format, salt, offset, landmark });
  }

  async #load(handle: FileHandle): Promise<void> {
    const { path, makeCopy, show, retire } = this.#parts;
    const made: C[] = [];
    const makeOne = (): C => {
      const copy = makeCopy();
      made.push(copy);
      return copy;
    };
    const retired = this.#copy;
    try {
      const { copy, file } = await loadFile(handle, path, makeOne);
      await copy.settle();
      this.#loads += 1;
      this.#file = file;
      this.#copy = copy;
      show(copy);
    } finally {
      if (this.#copy !== retired && retired !== undefined) retire(retired);
      for (const copy of made) if (copy !== this.#copy) retire(copy);
    }
  }
}

async function isFrame(handle: FileHandle, offset: number, salt: Uint8Array): Promise<boolean> {
  const head = Buffer.alloc(HEAD_BYTES);
  const filled = await handle.read(head, offset);
  return filled === HEAD_BYTES && new HeadSeal(salt).holds(head, 0, offset);
}
