import * as fc from "fast-check";
import type { Random } from "../../src/platform/index.js";
import { integerBelow } from "../support/seed.js";
import { mutatedText } from "./mutate.js";

/** A value of an arbitrary as JSON, which is what the target's `check` takes; and as often, that text with things done to it. */
export function jsonOf<T>(arbitrary: fc.Arbitrary<T>): {
  generate(random: Random): string;
  shrinks(input: string): Iterable<string>;
} {
  const text = (random: Random): string => {
    const seed = integerBelow(random, 2 ** 31);
    return JSON.stringify(fc.sample(arbitrary, { seed, numRuns: 1 })[0]);
  };
  return {
    generate: (random) => {
      const made = text(random);
      return random() < 0.5 ? made : mutatedText(random, [made, text(random)]);
    },
    *shrinks(input) {
      let value: unknown;
      try {
        value = JSON.parse(input);
      } catch {
        return;
      }
      if (!arbitrary.canShrinkWithoutContext(value)) return;
      for (const smaller of arbitrary.shrink(value, undefined)) {
        yield JSON.stringify(smaller.value_);
      }
    },
  };
}
