import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Fault, Planted } from "./fault.js";

/** A promise that was broken, and how many steps it took. */
export interface Finding {
  readonly seed: number;
  readonly step: number | undefined;
  /** The check that told, or that the process ended or hung. */
  readonly check: string;
  readonly text: string;
}

export interface Seeds {
  readonly first: number;
  readonly last: number;
  readonly steps: number;
}

/** A seed that takes longer than this hangs, in milliseconds: an endless loop is a fault found, too. */
const SEED_MS = 600_000;
const LOADER = fileURLToPath(new URL("import-fault.child.js", import.meta.url));
const CHILD = fileURLToPath(new URL("seeds.child.js", import.meta.url));

/** How many seeds were tried, and what the last of them broke; `undefined`: none broke anything. */
export interface Outcome {
  readonly tried: number;
  readonly finding: Finding | undefined;
}

/** Tries the seeds, in a process that has the fault, up to the first that breaks a promise. */
export async function runSeeds(
  fault: Fault | undefined,
  { first, last, steps }: Seeds,
): Promise<Outcome> {
  const args = [CHILD, first, last, steps].map(String);
  const child = spawn(process.execPath, [...loaderOf(fault), ...args], {
    env: environmentOf(fault),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  let seed = first;
  let tried = 0;
  let isReady = false;
  let isLate = false;
  let finding: Finding | undefined;
  const onLate = (): void => {
    isLate = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(onLate, SEED_MS);
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    timer = setTimeout(onLate, SEED_MS);
    isReady ||= line === "ready";
    if (line === "ready") continue;
    const outcome = JSON.parse(line) as Partial<Finding> & Pick<Finding, "seed">;
    const { check, text = "", step } = outcome;
    ({ seed } = outcome);
    tried += 1;
    if (check !== undefined) finding = { seed, step, check, text };
    seed += 1;
  }
  const status = await ended;
  clearTimeout(timer);
  if (finding !== undefined || status === 0) return { tried, finding };
  if (!isReady) throw new Error(`${fault?.id ?? "without a fault"} nothing could be run: ${said}`);
  const check = isLate ? "it hangs" : "the process ends";
  finding = { seed, step: undefined, check, text: said.trim().slice(0, 500) };
  return { tried: tried + 1, finding };
}

/** Runs the test that finds a fault which no simulation does. Gives whether it fails, and passes without the fault. */
export async function runTest(fault: Fault): Promise<boolean> {
  const [broken, sound] = await Promise.all([isGreen(fault, fault), isGreen(fault, undefined)]);
  return sound && !broken;
}

async function isGreen({ test }: Fault, fault: Fault | undefined): Promise<boolean> {
  if (test === undefined) return true;
  const file = fileURLToPath(new URL(`../../${test.file}`, import.meta.url));
  const args = [...loaderOf(fault), `--test-name-pattern=${test.name}`, file];
  const child = spawn(process.execPath, args, { env: environmentOf(fault), stdio: "ignore" });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  return status === 0;
}

/** What a process is begun with, to have the fault: together with {@link environmentOf}. */
export function loaderOf(fault: Planted | undefined): string[] {
  return fault === undefined ? [] : ["--import", LOADER];
}

export function environmentOf(fault: Planted | undefined): NodeJS.ProcessEnv {
  return fault === undefined ? process.env : { ...process.env, MILLPOND_FAULT: fault.id };
}
