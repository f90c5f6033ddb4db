import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Part } from "../../bench/harness/part.js";
import { summarise } from "../../bench/harness/summary.js";

const part: Part = {
  name: "part",
  about: "",
  metrics: [{ name: "wall", unit: "ms" }],
  subjects: [],
  baselines: ["raw"],
  targets: [
    { text: "at most twice", value: ["ours", "wall"], over: ["raw", "wall"], most: 2 },
    { text: "at least thrice", value: ["theirs", "wall"], over: ["ours", "wall"], least: 3 },
    { text: "at most 9", value: ["ours", "wall"], most: 9 },
    { text: "of nobody", value: ["nobody", "wall"], over: ["raw", "wall"], most: 1 },
  ],
};

describe("the summary of a part", () => {
  const { rows, targets } = summarise(part, [
    { subject: "raw", runs: [{ wall: 9 }, { wall: 4 }, { wall: 5 }] },
    { subject: "ours", runs: [{ wall: 12 }, { wall: 10 }, { wall: 1 }] },
    { subject: "theirs", runs: [{ wall: 20 }, { wall: 40 }] },
    { subject: "nobody", runs: [], without: "not installed" },
  ]);

  test("has the median of the runs, and of an even number the middle between two", () => {
    assert.deepEqual(
      rows.map(({ figures }) => figures["wall"]?.median),
      [5, 10, 30, undefined],
    );
  });

  test("sets each subject in relation to the baseline, by medians", () => {
    assert.deepEqual(
      rows.map(({ ratios }) => ratios["raw"]),
      [1, 2, 6, undefined],
    );
  });

  test("says of each target whether it is met, and nothing where a figure is missing", () => {
    assert.deepEqual(targets, [
      { target: "at most twice", measured: 2, met: true },
      { target: "at least thrice", measured: 3, met: true },
      { target: "at most 9", measured: 10, met: false },
      { target: "of nobody" },
    ]);
  });
});
