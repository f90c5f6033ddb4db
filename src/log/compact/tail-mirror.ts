import { CorruptedError, MillpondError } from "../../errors/index.js";
import type { LogFile } from "../log-file.js";
import { tailCarrier, type TailCarrier } from "./tail-carrier.js";

/** Read, stamped anew and written between two turns of the event loop. */
const CHUNK_BYTES = 256 * 1024;
/** What may be left of the tail when the last round begins, during which frames are kept in memory. */
const NEAR_BYTES = 256 * 1024;
/** Of frames that are kept in memory while the last round is under way. */
const QUEUE_BYTES_MAX = 4 * 1024 * 1024;
/** A writer that is faster than the copying for so many rounds is let go on without it. */
const ROUNDS_MAX = 1000;

/**
 * Carries what is appended to one file from an offset on over to another: first in rounds, beside the writer, and once
 * little is left, frame by frame as it is appended.
 */
export class TailMirror {
  readonly #path: string;
  readonly #from: LogFile;
  readonly #to: LogFile;
  readonly #signal: AbortSignal;
  #carrier: TailCarrier;
  /** The tail up to here is in the new file. */
  #copied: number;
  /** While the last round is under way: what happened since it began; `undefined` for an acknowledgement. */
  #queue: (Buffer | undefined)[] | undefined;
  #queuedBytes = 0;
  /** The last round has to be made again. */
  #spoiled = false;
  #isDirect = false;
  /** Where the new file ended before the last frame. */
  #beforeLast = 0;

  /** @param start where the tail starts in `from`: at or before what is acknowledged there. */
  constructor(path: string, from: LogFile, start: number, to: LogFile, signal: AbortSignal) {
    this.#path = path;
    this.#from = from;
    this.#to = to;
    this.#signal = signal;
    this.#copied = start;
    this.#carrier = this.#carrierFrom(start);
  }

  /** Whether every frame is written to both files. */
  get isDirect(): boolean {
    return this.#isDirect;
  }

  /** Resolves once the new file has all that the old one has, and goes on to have it. */
  async catchUp(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      await this.#copyUpTo(this.#from.acknowledged);
      this.#to.acknowledge();
      if (this.#from.acknowledged - this.#copied > NEAR_BYTES) continue;
      if (await this.#join()) return;
    }
    throw new MillpondError(
      "operation-failed",
      `${this.#path} is written faster than a compaction can copy it`,
      { hint: "It goes on as it is. Compact it again when less is written." },
    );
  }

  /** For each frame that is about to be appended to the old file. Throws where the new one cannot take it, and then has nothing of it. */
  appending(frame: Uint8Array): void {
    if (this.#isDirect) this.#appendTaken(Buffer.from(frame));
    else if (this.#queue !== undefined) this.#enqueue(frame);
  }

  /** The frame that came last did not get into the old file. Throws where it cannot be taken back. */
  takenBack(): void {
    this.#spoiled = true;
    if (!this.#isDirect) return;
    this.#to.cutBackTo(this.#beforeLast);
    this.#carrier = this.#carrierFrom(this.#from.end);
  }

  acknowledged(): void {
    if (this.#isDirect) this.#to.acknowledge();
    else this.#queue?.push(undefined);
  }

  /** The old file was cut back to what is acknowledged. Throws where the new one cannot be. */
  discarded(): void {
    this.#spoiled = true;
    if (!this.#isDirect) return;
    this.#to.discard();
    this.#carrier = this.#carrierFrom(this.#from.acknowledged);
  }

  /** After a throw the frame does not get into the old file either, and the next one comes in its place. */
  #appendTaken(frame: Buffer): void {
    this.#beforeLast = this.#to.end;
    try {
      this.#append(frame);
    } catch (error) {
      this.#carrier = this.#carrierFrom(this.#from.end);
      throw error;
    }
  }

  #enqueue(frame: Uint8Array): void {
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes > QUEUE_BYTES_MAX) this.#spoiled = true;
    if (!this.#spoiled) this.#queue?.push(Buffer.from(frame));
  }

  /** The last round. False where it is to be made again: what it copied was taken back, or too much came meanwhile. */
  async #join(): Promise<boolean> {
    const { acknowledged, end } = this.#from;
    const queue: (Buffer | undefined)[] = [];
    this.#queue = queue;
    this.#queuedBytes = 0;
    this.#spoiled = false;
    try {
      await this.#copyUpTo(acknowledged);
      this.#to.acknowledge();
      await this.#copyUpTo(end);
    } catch (error) {
      // What could not be read may have been taken back just then, unless it was acknowledged.
      const mayBeGone = this.#spoiled && this.#copied >= acknowledged;
      if (!mayBeGone || !(error instanceof CorruptedError)) throw error;
    } finally {
      this.#queue = undefined;
    }
    if (this.#spoiled) {
      this.#to.discard();
      this.#copied = acknowledged;
      this.#carrier = this.#carrierFrom(acknowledged);
      return false;
    }
    for (const frame of queue) {
      if (frame === undefined) this.#to.acknowledge();
      else this.#append(frame);
    }
    this.#isDirect = true;
    return true;
  }

  async #copyUpTo(end: number): Promise<void> {
    let wanted = CHUNK_BYTES;
    while (this.#copied < end) {
      this.#signal.throwIfAborted();
      const chunk = Buffer.allocUnsafe(Math.min(wanted, end - this.#copied));
      const filled = await this.#from.handle.read(chunk, this.#copied);
      const { taken, made, needed = 0 } = this.#carrier.take(chunk.subarray(0, filled));
      wanted = Math.max(CHUNK_BYTES, needed);
      if (taken > 0) await this.#to.appendBeside(made);
      // Only whole frames lie between what was copied and the end, unless a failed sync has had them cut off.
      else if (needed <= chunk.length || needed > end - this.#copied) {
        this.#signal.throwIfAborted();
        throw this.#gone();
      }
      this.#copied += taken;
    }
  }

  #gone(): CorruptedError {
    return new CorruptedError(this.#path, this.#copied, "what was written there is gone");
  }

  #append(frame: Buffer): void {
    this.#to.append(this.#carrier.take(frame).made);
  }

  #carrierFrom(offset: number): TailCarrier {
    return tailCarrier(this.#path, this.#from.at(offset), this.#to.at(this.#to.end));
  }
}
