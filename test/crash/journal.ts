import assert from "node:assert/strict";
import type { KvEntry, WatchCursor } from "../../src/values/index.js";

interface Written {
  readonly revision: bigint;
  /** `undefined` for a removal. */
  readonly value: Uint8Array | undefined;
}

/** Every write that the bucket acknowledged, so that a copy at any cursor can be judged. */
export class Journal {
  readonly #writes = new Map<string, Written[]>();

  /** Writes of one key are to be recorded in the order of their revisions. */
  record(key: string, revision: bigint, value: Uint8Array | undefined): void {
    const writes = this.#writes.get(key) ?? [];
    writes.push({ revision, value });
    this.#writes.set(key, writes);
  }

  /** Forgets what no copy at `cursor` or later can hold any more, given that it holds `entries` now. */
  forget(entries: ReadonlyMap<string, KvEntry>, cursor: WatchCursor): void {
    const position = cursor.toU64() ?? 0n;
    for (const [key, writes] of this.#writes) {
      const held = entries.get(key)?.version.toU64();
      const due = writes.findLastIndex(({ revision }) => revision <= position);
      const kept = held === undefined ? due : writes.findIndex(({ revision }) => revision === held);
      const first = Math.min(due, kept);
      if (first > 0) writes.splice(0, first);
    }
  }

  /**
   * Asserts that `entries` is what a copy at `cursor` may hold: for each key the newest write up to the cursor, or a later
   * one. A write that was overwritten before it could be delivered may be missing, if what overwrote it lies beyond the
   * cursor: a bucket that keeps one record a key never delivers it.
   */
  assertCopy(entries: ReadonlyMap<string, KvEntry>, cursor: WatchCursor): void {
    const position = cursor.toU64() ?? 0n;
    for (const key of entries.keys()) assert.ok(this.#writes.has(key), `${key} was never written`);
    for (const [key, writes] of this.#writes) {
      const entry = entries.get(key);
      const held = entry?.version.toU64() ?? 0n;
      if (entry !== undefined) {
        const write = writes.find(({ revision }) => revision === held);
        assert.ok(
          write?.value !== undefined,
          `${key} at revision ${held} is not a value that was written`,
        );
        assert.deepEqual(Buffer.from(entry.value), Buffer.from(write.value), `value of ${key}`);
      }
      const due = writes.filter(({ revision }) => revision <= position).at(-1);
      if (due === undefined || held >= due.revision) continue;
      if (due.value === undefined && entry === undefined) continue;
      assert.ok(
        writes.some(({ revision }) => revision > position),
        `${key} is at ${held} though the cursor ${position} is past its newest write ${due.revision}`,
      );
    }
  }
}
