import type { Random } from "../../platform/index.js";

/** The same numbers for the same seed (mulberry32), on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Another source of numbers for each name, of one seed: what one of them draws changes nothing for the others. */
export function randomFor(seed: number, name: string): Random {
  let mixed = seed | 0;
  for (let index = 0; index < name.length; index += 1) {
    mixed = Math.imul(mixed ^ name.charCodeAt(index), 0x01000193);
    mixed ^= mixed >>> 15;
  }
  return randomFrom(mixed);
}

/** A whole number from 0 to `below` - 1. */
export function integerBelow(random: Random, below: number): number {
  return Math.floor(random() * below);
}
