import { markAsUntransferable } from "node:worker_threads";
import type { ArenaMemory } from "./arena-memory.js";
import { STAGING_AT, STAGING_BYTES } from "./kernel.js";

/** So many values and more share a piece of memory. */
const VALUES_PER_PIECE = 8;

/**
 * Makes values the caller's own. Short ones share pieces of memory: one allocation each would take longer than all else that
 * finding and copying them takes.
 */
export class ValueCopies {
  readonly #memory: ArenaMemory;
  readonly #pieceBytes: number;
  #piece: ArrayBuffer | undefined;
  #used = 0;

  /** `pieceBytes`: what a single short value that is kept may keep in memory. Values up to an eighth of it are short. */
  constructor(memory: ArenaMemory, pieceBytes: number) {
    this.#memory = memory;
    this.#pieceBytes = pieceBytes;
  }

  copy(start: number, bytes: number): Uint8Array {
    if (bytes * VALUES_PER_PIECE > this.#pieceBytes) return ownCopy(this.#memory, start, bytes);
    // As far from a multiple of 8 as it lies in the arena: see `ArenaMemory.bring`.
    let at = this.#used + ((start - this.#used) & 7);
    if (this.#piece === undefined || at + bytes > this.#pieceBytes) {
      this.#piece = new ArrayBuffer(this.#pieceBytes);
      // Whoever sent one value's memory to another thread would take the others away with it.
      markAsUntransferable(this.#piece);
      at = start & 7;
    }
    const value = new Uint8Array(this.#piece, at, bytes);
    value.set(this.#memory.view.subarray(start, start + bytes));
    this.#used = at + bytes;
    return value;
  }
}

/** A copy in memory of its own. */
function ownCopy({ kernel, view }: ArenaMemory, start: number, bytes: number): Uint8Array {
  if ((start & 7) === 0 || bytes > STAGING_BYTES) {
    return new Uint8Array(view.subarray(start, start + bytes));
  }
  // The new memory begins at a multiple of 8, so the value has to, too: see `ArenaMemory.bring`.
  kernel.copy(STAGING_AT, start, bytes);
  return new Uint8Array(view.subarray(STAGING_AT, STAGING_AT + bytes));
}
