import type { KvUpdate, LogPosition } from "../values/index.js";

/** Is handed what a log holds, in order. What `update` and `position` get is their own to keep. */
export interface LogVisitor {
  /** Updates come with empty values, which saves copying them. */
  readonly withoutValues?: boolean;
  /** v3: those of a batch come together, and only once all of the batch has been checked. */
  update(update: KvUpdate): void;
  /** Everything up to here is in the updates before. A cursor of no bytes withdraws the position. */
  position(position: LogPosition): void;
  /**
   * v3 only: a batch frame's body whose checksum holds, instead of `update` and `position`; a view that is good for the call. It
   * checks the rest, and throws `invalid-format` where it is malformed; path and offset are added to that.
   */
  batch?(body: Uint8Array): void;
  /**
   * v3 only, with `batch`: the bytes of one file, with this salt, from this offset on, where a batch frame starts. Takes
   * whole good batch frames as far as it can and returns how many bytes it took (0: none). What it did not take goes through
   * `batch`.
   */
  walk?(bytes: Uint8Array, offset: number, salt: Uint8Array): number;
}

/** For a log that is only to be checked. */
export const NOBODY: LogVisitor = {
  withoutValues: true,
  update: () => undefined,
  position: () => undefined,
};
