import assert from "node:assert/strict";
import type { LogVisitor } from "../../../src/log/visitor.js";
import type { Random } from "../../../src/platform/index.js";
import { integerBelow } from "../../support/seed.js";
import { endingOf, State, type Ending } from "./outcome.js";
import type { Sample } from "./samples.js";

/** What was done to a log: one bit flipped, or cut to a length. */
export type Change = { readonly bit: number } | { readonly length: number };

export interface Tally {
  /** Changes that were an error, with its offset. */
  detected: number;
  /** Those that cost whole frames at the very end, and nothing else. */
  dropped: number;
}

export function* everyChange({ bytes }: Sample): Generator<Change> {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) yield { bit };
  for (let length = 0; length < bytes.length; length += 1) yield { length };
}

/** Two thirds flips; half of them in the last frame or the header, where the rules are finest. */
export function randomChange({ bytes, bounds }: Sample, random: Random): Change {
  if (random() < 1 / 3) return { length: integerBelow(random, bytes.length) };
  const last = bounds.at(-2) ?? 0;
  const where = random();
  if (where < 0.25) return { bit: last * 8 + integerBelow(random, (bytes.length - last) * 8) };
  if (where < 0.5) return { bit: integerBelow(random, (bounds[1] ?? 0) * 8) };
  return { bit: integerBelow(random, bytes.length * 8) };
}

/** Makes the change for as long as `run` runs. */
export async function withChange<T>(
  bytes: Buffer,
  change: Change,
  run: (changed: Buffer) => Promise<T>,
): Promise<T> {
  if ("length" in change) return await run(bytes.subarray(0, change.length));
  const at = change.bit >> 3;
  const mask = 1 << (change.bit & 7);
  bytes[at] = (bytes[at] ?? 0) ^ mask;
  try {
    return await run(bytes);
  } finally {
    bytes[at] = (bytes[at] ?? 0) ^ mask;
  }
}

/**
 * Holds a result of a changed log to the rules: an error, or exactly the whole frames before the change, where nothing but
 * what was cut off or the very last frame may be missing. Returns how many frames are left; undefined for an error.
 */
export function framesAllowed(sample: Sample, change: Change, ending: Ending): number | undefined {
  const { bounds } = sample;
  const what = JSON.stringify(change);
  const headerBytes = bounds[0] ?? 0;
  if (ending.failed) {
    // What was cut off is no damage, unless it is the header that is missing.
    if ("length" in change) assert.ok(change.length < headerBytes, `${what}: ${ending.code}`);
    return undefined;
  }
  const lastFrame = bounds.at(-2) ?? 0;
  if ("bit" in change) {
    assert.ok(change.bit >= lastFrame * 8, `${what} is not detected, and not in the last frame`);
    assert.equal(ending.goodBytes, lastFrame, what);
  } else {
    assert.ok(change.length >= headerBytes, `${what} has no whole header`);
    assert.equal(
      ending.goodBytes,
      bounds.findLast((bound) => bound <= change.length),
      what,
    );
  }
  return bounds.indexOf(ending.goodBytes);
}

/** Every change of a small log, compared by the state that it loads to. */
export async function sweepStates(sample: Sample): Promise<Tally> {
  const tally = { detected: 0, dropped: 0 };
  const states: string[] = [];
  for (const bound of sample.bounds) {
    const state = new State();
    await endingOf(sample.bytes.subarray(0, bound), state);
    states.push(state.text);
  }
  const bytes = Buffer.from(sample.bytes);
  for (const change of everyChange(sample)) {
    const state = new State();
    const ending = await withChange(bytes, change, (changed) => endingOf(changed, state));
    const frames = framesAllowed(sample, change, ending);
    if (frames === undefined) tally.detected += 1;
    else {
      tally.dropped += 1;
      assert.equal(state.text, states[frames], JSON.stringify(change));
    }
  }
  return tally;
}

/** A sample of the changes of a long log, compared frame by frame (of format 2: by the number of records). */
export async function sweepFrames(sample: Sample, random: Random, count: number): Promise<Tally> {
  const tally = { detected: 0, dropped: 0 };
  const bytes = Buffer.from(sample.bytes);
  for (let round = 0; round < count; round += 1) {
    const change = randomChange(sample, random);
    const seen = new SameFrames(sample);
    const ending = await withChange(bytes, change, (changed) => endingOf(changed, seen));
    const frames = framesAllowed(sample, change, ending);
    if (frames === undefined) tally.detected += 1;
    else {
      tally.dropped += 1;
      assert.equal(seen.frames, frames, JSON.stringify(change));
    }
  }
  return tally;
}

/** Counts what it is handed, and compares each batch's body with the one that was written. */
class SameFrames implements LogVisitor {
  readonly withoutValues = true;
  frames = 0;
  readonly #sample: Sample;

  constructor(sample: Sample) {
    this.#sample = sample;
  }

  batch(body: Uint8Array): void {
    const { bytes, bounds } = this.#sample;
    const start = (bounds[this.frames] ?? 0) + 16;
    assert.ok(bytes.subarray(start, bounds[this.frames + 1]).equals(body), "wrong data");
    this.frames += 1;
  }

  update(): void {
    this.frames += 1;
  }

  position(): void {
    this.frames += 1;
  }
}
