export { integerBelow, randomFrom } from "../../src/testing/simulation/random.js";

/** The seed of a random test: `MILLPOND_SEED` where set, else a fresh one. Name it in every failure. */
export function seedOfRun(): number {
  const given = process.env["MILLPOND_SEED"];
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}
