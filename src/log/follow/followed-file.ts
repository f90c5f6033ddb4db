import { isMillpondError, type MillpondError } from "../../errors/index.js";
import type { FileHandle, FileStat } from "../../platform/index.js";
import type { LogFormat } from "../codec.js";
import { codecOf } from "../codecs.js";
import { isDamage } from "../repair/index.js";
import { LogScan } from "../scan-log.js";
import type { FollowedCopy } from "./followed-copy.js";
import { GroupCollector } from "./group-collector.js";
import { Landmark } from "./landmark.js";

/** What came of a look at a file. */
export type Advance =
  /** All that there is was taken, up to a frame that may still be being written. */
  | "taken"
  /**
   * It has become shorter than what was taken of it, has other bytes where that ends, or had more before a position than is
   * held in memory. Every look says so from then on.
   */
  | "reload";

const LOOKS = 5;

/** One file of a log, open for reading, and how far it was taken. */
export class FollowedFile {
  readonly handle: FileHandle;
  readonly fileId: string;
  readonly format: LogFormat;
  readonly salt: Uint8Array;
  readonly #path: string;
  readonly #target: FollowedCopy;
  #offset: number;
  /** The file as of the last look, if nothing can have come of it since. */
  #seen = "";
  /** Looks that found it like that. */
  #looks = 0;
  /** What stands behind the last position is damage, as far as one look can tell. */
  #problem: MillpondError | undefined;
  #modifiedMs: number;

  #landmark: Landmark;
  #mustReload = false;

  constructor(path: string, target: FollowedCopy, place: FollowedStart) {
    this.#path = path;
    this.#target = target;
    this.handle = place.handle;
    this.fileId = place.stat.fileId;
    this.#modifiedMs = place.stat.modifiedMs;
    this.format = place.format;
    this.salt = place.salt;
    this.#offset = place.offset;
    this.#landmark = place.landmark;
  }

  /** The end of the last position that was taken: all before it counts, nothing behind it. */
  get offset(): number {
    return this.#offset;
  }

  /** When the file was last written to, in milliseconds since the Unix epoch, as far as was seen. */
  get modifiedMs(): number {
    return this.#modifiedMs;
  }

  /**
   * Takes what was appended, up to the last position. Throws `corrupted` or `invalid-format` for damage behind it that was
   * still there at a second look, `too-large` for a batch that the copy has no room for, and what the file system throws.
   */
  async advance(): Promise<Advance> {
    const { size, writeMark, modifiedMs } = await this.handle.stat();
    this.#modifiedMs = modifiedMs;
    this.#mustReload ||= size < this.#offset;
    if (!this.#mustReload && this.#mayHaveMore(writeMark, size)) {
      try {
        await this.#take();
      } catch (error) {
        // It says nothing about what is there: look again.
        this.#seen = "";
        throw error;
      }
    }
    if (this.#mustReload) return "reload";
    const problem = this.#problem;
    if (problem !== undefined && (this.#looks > 1 || !isDamage(problem))) throw problem;
    return "taken";
  }

  async #take(): Promise<void> {
    const before = this.#offset;
    this.#mustReload = !(await this.#landmark.isThere(this.handle));
    if (this.#mustReload) return;
    const collector = new GroupCollector((body) => this.#target.batch(body));
    this.#problem = await this.#scan(collector);
    this.#mustReload = collector.hasMissed;
    if (this.#offset === before) return;
    this.#landmark = await Landmark.before(this.handle, this.#offset);
  }

  async #scan(collector: GroupCollector): Promise<MillpondError | undefined> {
    const { format, salt, handle } = this;
    // From the last position each time: what stood behind it may have been taken back, and something else written there.
    const from = { format, salt, offset: this.#offset };
    const scan = new LogScan(handle, this.#path, collector, { from });
    try {
      await scan.advance();
      await scan.requireTornTail();
      return undefined;
    } catch (error) {
      if (!isMillpondError(error)) throw error;
      return error;
    } finally {
      if (!collector.hasMissed) this.#offset = scan.result.lastPosition ?? this.#offset;
    }
  }

  /**
   * A file system's clock may stand still for some milliseconds: what stands behind the last position may be taken back and
   * written again without a trace. So that is looked at a few times.
   */
  #mayHaveMore(writeMark: string, size: number): boolean {
    if (writeMark !== this.#seen) {
      this.#seen = writeMark;
      this.#looks = 0;
    }
    this.#looks += 1;
    return this.#looks === 1 || (size !== this.#offset && this.#looks <= LOOKS);
  }

  async close(): Promise<void> {
    await this.handle.close().catch(() => undefined);
  }
}

export interface FollowedStart {
  readonly handle: FileHandle;
  readonly stat: FileStat;
  readonly format: LogFormat;
  readonly salt: Uint8Array;
  readonly offset: number;
  /** Of that offset. */
  readonly landmark: Landmark;
}

/**
 * Reads a file from its start into a copy that nobody sees yet: `makeCopy` makes an empty one. What stands behind the last position
 * is left out. Throws `corrupted` and `invalid-format`, and what the file system throws.
 */
export async function loadFile<C extends FollowedCopy>(
  handle: FileHandle,
  path: string,
  makeCopy: () => C,
): Promise<{ readonly copy: C; readonly file: FollowedFile }> {
  const stat = await handle.stat();
  let copy = makeCopy();
  const scan = new LogScan(handle, path, copy);
  const { format = 2, salt, goodBytes, lastPosition } = await scan.advance();
  await scan.requireTornTail();
  const offset = lastPosition ?? codecOf(format).headerBytes;
  if (offset !== goodBytes) {
    // Its writer is in the middle of a batch, or died there: read once more, and stop in time.
    copy = makeCopy();
    await new LogScan(handle, path, copy).advance(offset);
  }
  const landmark = await Landmark.before(handle, offset);
  const start = { handle, stat, format, salt, offset, landmark };
  return { copy, file: new FollowedFile(path, copy, start) };
}
