import type { FileSystem } from "../../platform/index.js";
import type { LogCodec } from "../codec.js";
import { TemporaryLog } from "./compact-file.js";
import type { DumpTarget } from "./dump.js";
import { LogFile } from "../log-file.js";
import { TailMirror } from "./tail-mirror.js";

/** Writes a compact log, and returns where it ends. `temporary`: the path of the target. */
export type Dump = (target: DumpTarget, temporary: string) => Promise<number>;

export interface CompactionPlan {
  readonly fs: FileSystem;
  /** As the caller gave it, for messages. */
  readonly path: string;
  /** Resolved. */
  readonly target: string;
  readonly from: LogFile;
  /** Files that may have taken its place already. */
  readonly heirs: readonly string[];
  /** The dump holds all that the old file has up to here; what follows is carried over. `undefined`: nothing is. */
  readonly tailStart: number | undefined;
  readonly codec: LogCodec;
  readonly salt: Uint8Array;
  readonly dump: Dump;
}

/** A compact file that has taken the place of the old one. */
export interface CompactLog {
  readonly file: LogFile;
  /** Where the live entries end, and what was appended meanwhile begins. */
  readonly dumpEnd: number;
  /**
   * Where in the new file an offset of the old one is. Where the formats differ: the end of the dump, which comes before it.
   */
  readonly placeOf: (offset: number) => number;
}

/**
 * One making of a compact file, beside a writer that goes on appending to the old one:
 *
 * 1. What the log held when it began is written to a temporary file.
 * 2. What was appended since is copied, in rounds, until little is left ({@link TailMirror}).
 * 3. From then on each frame goes to both files, to the new one first. That is synced and takes the place of the old.
 *
 * Up to the rename whatever fails ends the compaction and leaves the old file as the log. While the rename is under way
 * nobody can say which of the two a crash would leave, so a frame counts only when it is in both.
 */
export class Compaction {
  readonly #plan: CompactionPlan;
  readonly #giveUp = new AbortController();
  #mirror: TailMirror | undefined;
  #file: LogFile | undefined;
  #isCommitted = false;

  constructor(plan: CompactionPlan) {
    this.#plan = plan;
  }

  /** Whether the rename is under way, which nothing can stop any more. */
  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** The new file, while each frame goes to both. */
  get twin(): LogFile | undefined {
    return this.#mirror?.isDirect === true ? this.#file : undefined;
  }

  /**
   * `switchOver` is called in the same turn in which the new file is known to be in place, `failed` in that in which frames cease to
   * go to it.
   */
  async run(
    switchOver: (made: CompactLog) => void,
    failed: (error: unknown) => void,
  ): Promise<void> {
    const { fs, target, from, heirs, codec, salt, tailStart } = this.#plan;
    const { fileId } = await from.handle.stat();
    const temporary = await TemporaryLog.create(fs, target, fileId, heirs);
    const { signal } = this.#giveUp;
    try {
      const { handle } = temporary;
      const hasLineage = tailStart !== undefined && codec.format === 3 && from.codec.format === 3;
      const ancestor = hasLineage ? from.at(tailStart) : undefined;
      const dump = { handle, codec, salt, ancestor, signal };
      const dumpEnd = await this.#plan.dump(dump, temporary.path);
      // Nearly all there is, while nobody appends to it: a write to a file waits for a sync of it that is under way.
      await handle.sync();
      const file = new LogFile(this.#plan.path, { handle, codec, salt, size: dumpEnd });
      this.#file = file;
      if (tailStart !== undefined) {
        this.#mirror = new TailMirror(this.#plan.path, from, tailStart, file, signal);
        await this.#mirror.catchUp();
      }
      signal.throwIfAborted();
      await temporary.seal();
      signal.throwIfAborted();
      this.#isCommitted = true;
      await temporary.takePlace();
      switchOver({ file, dumpEnd, placeOf: (offset) => this.#placeOf(offset, dumpEnd) });
    } catch (error) {
      failed(error);
      this.#mirror = undefined;
      await temporary.remove();
      throw error;
    }
  }

  /** Ends it with this error at the next step, unless the rename is under way. */
  giveUp(reason: unknown): void {
    this.#giveUp.abort(reason);
    if (!this.#isCommitted) this.#mirror = undefined;
  }

  /** For each frame that is about to be appended to the old file. Throws where it must not be: see above. */
  appending(frame: Uint8Array): void {
    this.#mirrored(() => this.#mirror?.appending(frame));
  }

  /** The frame did not get into the old file. Throws as {@link Compaction.appending}. */
  takenBack(): void {
    this.#mirrored(() => this.#mirror?.takenBack());
  }

  acknowledged(): void {
    this.#mirror?.acknowledged();
  }

  /** The old file was cut back to what is acknowledged. Throws as {@link Compaction.appending}. */
  discarded(): void {
    this.#mirrored(() => this.#mirror?.discarded());
  }

  #placeOf(offset: number, dumpEnd: number): number {
    const { tailStart, codec, from } = this.#plan;
    const isCopy = tailStart !== undefined && codec === from.codec;
    return isCopy ? dumpEnd + Math.max(0, offset - tailStart) : dumpEnd;
  }

  /** A failing new file ends the compaction, and no more than that, as long as the old one is in place. */
  #mirrored(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (this.#isCommitted) throw error;
      this.giveUp(error);
    }
  }
}
