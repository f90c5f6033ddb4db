import assert from "node:assert/strict";
import { FollowedLog } from "../../../src/store/followed-log.js";
import { scanLog } from "../../../src/log/scan-log.js";
import { randomFrom } from "../../support/seed.js";
import { diskWith, LOG_PATH } from "../../support/v3-logs.js";
import { readOnly, State } from "../../log/sweep/outcome.js";
import { framesOf } from "../logs/frames.js";
import { logTargets } from "../logs/log-target.js";
import { NOTHING, plainly, shown } from "../logs/readers.js";
import type { Verdict } from "../target.js";

/** Looks after which what stays damaged has been called so. */
const LOOKS = 6;

/**
 * Whoever follows a log that grows, in steps of any length, comes to what the whole of it says up to its last position; whoever begins
 * with the whole comes to the same; and both say so where it is damaged, as reading it does. What each step shows is what the log
 * says at one of its positions.
 */
async function check(bytes: Buffer): Promise<Verdict> {
  const { ending } = await plainly(bytes);
  const states = await statesOf(bytes);
  const last = states.at(-1) as string;
  const late = await followed(bytes, [bytes.length], states);
  const { header, frames } = framesOf(bytes);
  const early = await followed(bytes, stepsOf(bytes, header, frames), states);
  if (ending.failed) {
    assert.equal(late.problem, ending.code, "who comes late sees no damage");
    return ending.code as Verdict;
  }
  assert.equal(late.problem, undefined);
  assert.equal(early.problem, undefined);
  assert.equal(late.text, last, "who comes late sees another state");
  assert.equal(early.text, last, "who follows sees another state");
  return "accepted";
}

/** Some ends of frames, and some places within them. */
function stepsOf(bytes: Buffer, header: Buffer, frames: readonly Buffer[]): number[] {
  const random = randomFrom(bytes.length);
  const steps: number[] = [];
  let at = header.length;
  for (const frame of frames) {
    at = Math.min(at + frame.length, bytes.length);
    if (random() < 0.5) steps.push(random() < 0.3 ? at - 1 : at);
  }
  return [...steps, bytes.length];
}

/** What the log says at its beginning and at each of its positions. */
async function statesOf(bytes: Buffer): Promise<string[]> {
  const states = [NOTHING];
  const state = new State();
  const visitor = {
    update: (update: Parameters<State["update"]>[0]) => state.update(update),
    position(position: Parameters<State["position"]>[0]) {
      // A follower does not tell it.
      state.position({ ...position, origin: undefined });
      states.push(state.text);
    },
  };
  await scanLog(readOnly(bytes), LOG_PATH, visitor).catch(() => undefined);
  return states;
}

interface Followed {
  readonly text: string;
  readonly problem: string | undefined;
}

async function followed(
  bytes: Buffer,
  steps: readonly number[],
  states: readonly string[],
): Promise<Followed> {
  const fs = await diskWith(bytes.subarray(0, steps[0] ?? 0));
  const writer = await fs.open(LOG_PATH, "write");
  const log = new FollowedLog(fs, LOG_PATH, randomFrom(1));
  let written = steps[0] ?? 0;
  let problem: string | undefined;
  try {
    for (const step of steps) {
      if (step > written) writer.writeSync(bytes.subarray(written, step), written);
      written = Math.max(written, step);
      for (let look = 0; look < (step === bytes.length ? LOOKS : 1); look += 1) {
        problem = (await log.look()).problem?.code;
        assert.ok(states.includes(told(log)), "it shows what the log never said at a position");
      }
    }
    return { text: told(log), problem };
  } finally {
    await log.close();
  }
}

function told(log: FollowedLog): string {
  const { cursor, cursorTimeNs } = log;
  return shown(log.range(""), { cursor, cursorTimeNs, origin: undefined });
}

export const followTargets = logTargets({ name: "follow", share: 40, check });
