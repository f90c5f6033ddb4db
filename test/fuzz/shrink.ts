import type { Input, Target } from "./target.js";

/** Tries that making one input smaller may take, and milliseconds. */
const TRIES_MAX = 3000;
const SPENT_MS_MAX = 20_000;

/** The smallest input found that fails as well. */
export async function smallest(target: Target, input: Input): Promise<Input> {
  const started = performance.now();
  let best = input;
  let tries = 0;
  const isSpent = (): boolean => tries >= TRIES_MAX || performance.now() - started > SPENT_MS_MAX;
  for (let found = true; found && !isSpent();) {
    found = false;
    for (const smaller of target.shrinks?.(best) ?? pieces(best)) {
      if (isSpent()) break;
      tries += 1;
      const tried = await failing(target, smaller);
      if (tried === undefined) continue;
      best = tried;
      found = true;
      break;
    }
  }
  return best;
}

/** As it is, or with its checksums put right. */
async function failing(target: Target, input: Input): Promise<Input | undefined> {
  const candidates = target.mend === undefined ? [input] : [target.mend(input), input];
  for (const candidate of candidates) {
    try {
      await target.check(candidate);
    } catch {
      return candidate;
    }
  }
  return undefined;
}

/** Without a piece, the largest first; then with a plainer unit in one place. */
function* pieces(input: Input): Generator<Input> {
  for (let length = input.length; length >= 1; length = Math.floor(length / 2)) {
    for (let at = input.length - length; at >= 0; at -= length) {
      yield joined(input, at, at + length);
    }
  }
  for (let at = 0; at < input.length; at += 1) {
    const plain = plainer(input, at);
    if (plain !== undefined) yield plain;
  }
}

function joined(input: Input, from: number, to: number): Input {
  if (typeof input === "string") return input.slice(0, from) + input.slice(to);
  return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
}

function plainer(input: Input, at: number): Input | undefined {
  if (typeof input === "string") {
    if (input[at] === "0" || input[at] === "a") return undefined;
    const plain = /\d/.test(input[at] ?? "") ? "0" : "a";
    return input.slice(0, at) + plain + input.slice(at + 1);
  }
  if (input[at] === 0) return undefined;
  const copy = Buffer.from(input);
  copy[at] = 0;
  return copy;
}
