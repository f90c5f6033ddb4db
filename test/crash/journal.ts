import { crc32 } from "node:zlib";
import { Violation } from "./violation.js";

/** An entry as somebody has it. */
export interface HeldEntry {
  readonly revision: number;
  readonly crc: number;
}

/** A copy at a position: everything up to there is in it. */
export interface HeldCopy {
  readonly position: number;
  readonly entries: ReadonlyMap<string, HeldEntry>;
}

interface Written {
  readonly revision: number;
  /** `undefined` for a removal. */
  readonly crc: number | undefined;
}

/** Every write that the bucket acknowledged, so that a copy at any position can be judged. */
export class Journal {
  readonly #writes = new Map<string, Written[]>();
  #newest = 0;

  /** The last revision that was acknowledged. */
  get newest(): number {
    return this.#newest;
  }

  /** Writes of one key are to be recorded in the order of their revisions. */
  record(key: string, revision: number, value: Uint8Array | undefined): void {
    const writes = this.#writes.get(key) ?? [];
    writes.push({ revision, crc: value === undefined ? undefined : crc32(value) });
    this.#writes.set(key, writes);
    this.#newest = Math.max(this.#newest, revision);
  }

  /** Forgets what none of those copies, nor a later state of one, can hold. */
  forget(copies: readonly HeldCopy[]): void {
    const position = Math.min(...copies.map((copy) => copy.position));
    for (const [key, writes] of this.#writes) {
      const due = writes.findLastIndex(({ revision }) => revision <= position);
      const held = copies.map(({ entries }) => entries.get(key)?.revision ?? Infinity);
      const oldest = Math.min(...held);
      const kept = writes.findIndex(({ revision }) => revision >= oldest);
      const first = kept === -1 ? due : Math.min(due, kept);
      if (first > 0) writes.splice(0, first);
    }
  }

  /** Throws where the bucket never had that. */
  requireWritten(key: string, { revision, crc }: HeldEntry): void {
    const write = this.#writes.get(key)?.find((each) => each.revision === revision);
    if (write?.crc === crc) return;
    throw new Violation("wrong", `${key} at revision ${revision} is no value that was written`);
  }

  /**
   * Throws where `copy` is not what a copy at its position may hold: for each key the newest write up to there or, unless
   * it has to be exactly there, a later one. A write that was overwritten before it could be delivered may be missing, if what
   * overwrote it lies beyond the position: a bucket that keeps one record a key never delivers it.
   */
  check({ entries, position }: HeldCopy, { exactly }: { readonly exactly: boolean }): void {
    for (const [key, entry] of entries) {
      this.requireWritten(key, entry);
      if (exactly && entry.revision > position) {
        throw new Violation("wrong", `${key} is at ${entry.revision}, the position at ${position}`);
      }
    }
    for (const [key, writes] of this.#writes) {
      const held = entries.get(key)?.revision;
      const due = writes.findLast(({ revision }) => revision <= position);
      if (due === undefined || (held ?? 0) >= due.revision) continue;
      if (due.crc === undefined && held === undefined) continue;
      if (writes.some(({ revision }) => revision > position)) continue;
      throw new Violation(
        "lost",
        `${key} is at ${held}, though position ${position} is past its newest write ${due.revision}`,
      );
    }
  }
}
