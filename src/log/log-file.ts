import { MillpondError } from "../errors/index.js";
import type { FileHandle } from "../platform/index.js";
import type { LogCodec } from "./codec.js";
import { ioError } from "./io-errors.js";
import type { CodedPlace } from "./compact/tail-carrier.js";

export interface LogFileState {
  readonly handle: FileHandle;
  readonly codec: LogCodec;
  readonly salt: Uint8Array;
  /** The file ends here, with a whole frame. All of it counts as acknowledged. */
  readonly size: number;
  /** From here on what is there was written by another process, which may never have synced it, or failed to. Default: nothing was. */
  readonly inheritedFrom?: number;
}

/** Read and written at a time. */
const AGAIN_BYTES = 1024 * 1024;

/** One file that frames are appended to, each whole or not at all. */
export class LogFile {
  readonly handle: FileHandle;
  readonly codec: LogCodec;
  readonly salt: Uint8Array;
  readonly #path: string;
  #end: number;
  #acknowledged: number;
  /** Nobody has been told yet that what comes after it survives a power loss. */
  #safe: number;
  /** Until the first sync. */
  #inherited: { readonly from: number; readonly to: number } | undefined;
  #tear: { readonly cause: unknown } | undefined;

  constructor(path: string, { handle, codec, salt, size, inheritedFrom = size }: LogFileState) {
    this.#path = path;
    this.handle = handle;
    this.codec = codec;
    this.salt = salt;
    this.#end = size;
    this.#acknowledged = size;
    this.#safe = size;
    if (inheritedFrom < size) this.#inherited = { from: inheritedFrom, to: size };
  }

  /** Where the next frame goes. */
  get end(): number {
    return this.#end;
  }

  /** What comes after it may be taken back by {@link LogFile.discard}. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Why the file ends in half a frame that could not be cut off: nothing can be appended any more. */
  get tear(): { readonly cause: unknown } | undefined {
    return this.#tear;
  }

  /** The place with this offset in this file. */
  at(offset: number): CodedPlace {
    return { offset, salt: this.salt, codec: this.codec };
  }

  /** All or nothing: after a throw (`io`) the file ends where it did, or it is torn. */
  append(bytes: Uint8Array): void {
    this.#requireWhole();
    try {
      this.handle.writeSync(bytes, this.#end);
    } catch (cause) {
      this.#cutBackTo(this.#end, cause);
      throw ioError(this.#path, "write to", cause);
    }
    this.#end += bytes.length;
  }

  /** Off the main thread. After a throw the file is good for nothing. */
  async appendBeside(bytes: Uint8Array): Promise<void> {
    await this.handle.write(bytes, this.#end);
    this.#end += bytes.length;
  }

  acknowledge(): void {
    this.#acknowledged = this.#end;
  }

  /**
   * Makes what is acknowledged by now survive a power loss. Where an earlier process failed to sync what it wrote, the system has given that
   * up but goes on showing it, and would say of a sync that all is well: what was there is written again before the first, as it is.
   */
  async sync(): Promise<void> {
    const acknowledged = this.#acknowledged;
    if (this.#inherited !== undefined) await this.#writeAgain(this.#inherited);
    this.#inherited = undefined;
    await this.handle.sync();
    this.#safe = Math.max(this.#safe, acknowledged);
  }

  /** What is acknowledged by now stays, whether or not {@link LogFile.sync} was told so. */
  vouch(): void {
    this.#safe = this.#acknowledged;
  }

  /**
   * After a sync that failed: cuts off what none has made safe. The system may have given it up and go on showing it, and say of a later sync
   * that all is well, to a process that knows nothing of this one.
   */
  takeBackUnsafe(): void {
    if (this.#tear !== undefined || this.#safe === this.#end) return;
    try {
      this.cutBackTo(this.#safe);
      this.#acknowledged = this.#safe;
    } catch {
      // Then it is torn as well, which changes nothing for a writer that takes nothing more.
    }
  }

  /** Takes back what is not acknowledged. Throws `io` where that fails, and the file is torn. */
  discard(): void {
    if (this.#end === this.#acknowledged) return;
    this.cutBackTo(this.#acknowledged);
  }

  /** Takes back the frames from `offset` on. Throws `io` where that fails, and the file is torn. */
  cutBackTo(offset: number): void {
    this.#requireWhole();
    this.#cutBackTo(offset);
    this.#end = offset;
  }

  #cutBackTo(offset: number, earlier?: unknown): void {
    try {
      this.handle.truncateSync(offset);
    } catch (cause) {
      this.#tear = { cause: earlier ?? cause };
      throw ioError(this.#path, "take back a failed write to", cause);
    }
  }

  /** Nothing that is appended or taken back meanwhile is in there. */
  async #writeAgain({ from, to }: { readonly from: number; readonly to: number }): Promise<void> {
    const chunk = Buffer.allocUnsafe(Math.min(AGAIN_BYTES, to - from));
    for (let at = from; at < to;) {
      const filled = await this.handle.read(chunk.subarray(0, to - at), at);
      if (filled === 0) return;
      await this.handle.write(chunk.subarray(0, filled), at);
      at += filled;
    }
  }

  #requireWhole(): void {
    if (this.#tear === undefined) return;
    throw new MillpondError("poisoned", `${this.#path} ends in half a write`, {
      cause: this.#tear.cause,
    });
  }
}
