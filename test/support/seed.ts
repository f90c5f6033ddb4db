import type { Random } from "../../src/platform/index.js";

/** The seed of a random test: `MILLPOND_SEED` where set, else a fresh one. Name it in every failure. */
export function seedOfRun(): number {
  const given = process.env["MILLPOND_SEED"];
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}

/** The same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 to `below` - 1. */
export function integerBelow(random: Random, below: number): number {
  return Math.floor(random() * below);
}
