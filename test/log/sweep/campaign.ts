import assert from "node:assert/strict";
import { Arena } from "../../../src/kernel/index.js";
import type { LogVisitor } from "../../../src/log/visitor.js";
import type { Random } from "../../../src/platform/index.js";
import type { KvUpdate, LogPosition } from "../../../src/values/index.js";
import { endingOf, State, stateText } from "./outcome.js";
import { garbage } from "./garbage.js";
import type { Sample } from "./samples.js";

/** Far more than any of these inputs takes: more is a hang. */
const INPUT_MS_MAX = 5000;

export interface GarbageTally {
  loaded: number;
  corrupted: number;
  invalid: number;
  slowestMs: number;
}

/** Any bytes at all end in a result or in an error of ours, soon, and hold no more memory than the file is long. */
export async function sweepGarbage(
  random: Random,
  seeds: readonly Sample[],
  count: number,
): Promise<GarbageTally> {
  const tally = { loaded: 0, corrupted: 0, invalid: 0, slowestMs: 0 };
  const visitor = new State();
  for (let round = 0; round < count; round += 1) {
    const bytes = garbage(random, seeds);
    const started = Date.now();
    const ending = await endingOf(bytes, visitor);
    tally.slowestMs = Math.max(tally.slowestMs, Date.now() - started);
    if (!ending.failed) tally.loaded += 1;
    else if (ending.code === "corrupted") tally.corrupted += 1;
    else tally.invalid += 1;
  }
  assert.ok(tally.slowestMs <= INPUT_MS_MAX, `an input took ${tally.slowestMs} ms`);
  return tally;
}

/** The copy in WASM memory takes from the same bytes the same state, and refuses the same. */
export async function sweepKernel(
  random: Random,
  seeds: readonly Sample[],
  count: number,
): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    const bytes = garbage(random, seeds);
    const state = new State();
    const ending = await endingOf(bytes, state);
    const copy = new Copy(round, random);
    assert.deepEqual(await endingOf(bytes, copy), ending, bytes.toString("hex"));
    assert.equal(copy.text, state.text, `the state of ${bytes.toString("hex")}`);
  }
}

class Copy implements LogVisitor {
  readonly #arena: Arena;
  readonly #random: Random;
  /** Of a format 2 log. */
  #position: LogPosition | undefined;

  constructor(seed: number, random: Random) {
    this.#random = random;
    this.#arena = new Arena({ seed });
  }

  get text(): string {
    return stateText(this.#arena.range(""), this.#arena.position() ?? this.#position);
  }

  update(update: KvUpdate): void {
    this.#arena.apply(update);
  }

  position(position: LogPosition): void {
    this.#position = position;
  }

  batch(body: Uint8Array): void {
    this.#arena.stage(body);
    this.#arena.commit();
  }

  walk(bytes: Uint8Array, offset: number, salt: Uint8Array): number {
    // What it leaves it is given as a single batch.
    return this.#random() < 0.3 ? 0 : this.#arena.walk(bytes, offset, salt);
  }
}
