import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { isPeer, type PreparedName } from "../prepared.js";
import { runMeasure, runPrepare } from "./jobs.js";
import type { Figures, Part, Subject } from "./part.js";

export interface RunOptions {
  readonly keys: number;
  readonly seed: number;
  readonly runs: number;
  /** Where everything is written; removed by the caller. */
  readonly directory: string;
  /** Why a peer cannot be measured; undefined where it can. */
  readonly whyAbsent: (peer: string) => string | undefined;
  readonly say: (line: string) => void;
}

/** What became of one subject: the figures of each run, or why there are none. */
export interface SubjectResult {
  readonly subject: string;
  readonly runs: readonly Figures[];
  readonly without?: string;
}

/** What was made already in this run, and what could not be. */
export type PreparedSoFar = Map<PreparedName, string | undefined>;

/** Measures A B C A B C … and not A A B B C C, so that a drift of the machine hits all alike. */
export async function runPart(
  part: Part,
  options: RunOptions,
  made: PreparedSoFar,
): Promise<readonly SubjectResult[]> {
  const runs = new Map<string, Figures[]>();
  const without = new Map<string, string>();
  for (const subject of part.subjects) {
    runs.set(subject.name, []);
    const reason = await whyNot(subject, options, made);
    if (reason !== undefined) without.set(subject.name, reason);
  }
  for (let round = 1; round <= options.runs; round += 1) {
    for (const { name } of part.subjects) {
      if (without.has(name)) continue;
      options.say(`${part.name} ${round}/${options.runs}: ${name}`);
      try {
        runs.get(name)?.push(await measureOnce(part, name, options));
      } catch (error) {
        without.set(name, `failed: ${(error as Error).message}`);
      }
    }
  }
  return part.subjects.map(({ name }) => {
    const reason = without.get(name);
    const figures = runs.get(name) ?? [];
    return { subject: name, runs: figures, ...(reason === undefined ? {} : { without: reason }) };
  });
}

async function whyNot(
  subject: Subject,
  options: RunOptions,
  made: PreparedSoFar,
): Promise<string | undefined> {
  if (subject.notApplicable !== undefined) return subject.notApplicable;
  const absent = subject.peer === undefined ? undefined : options.whyAbsent(subject.peer);
  if (absent !== undefined) return absent;
  for (const name of subject.needs ?? []) {
    if (!made.has(name)) made.set(name, await tryToPrepare(name, options));
    const failure = made.get(name);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function tryToPrepare(
  name: PreparedName,
  { keys, seed, directory, say }: RunOptions,
): Promise<string | undefined> {
  say(`making ${isPeer(name) ? "the database of " : "the "}${name}`);
  try {
    await runPrepare({ kind: "prepare", name, keys, seed, preparedDirectory: directory });
    return undefined;
  } catch (error) {
    return `failed: ${(error as Error).message}`;
  }
}

async function measureOnce(part: Part, subject: string, options: RunOptions): Promise<Figures> {
  const { keys, seed, directory: preparedDirectory } = options;
  const directory = await mkdtemp(join(preparedDirectory, "run-"));
  try {
    return await runMeasure({
      kind: "measure",
      part: part.name,
      subject,
      keys,
      seed,
      preparedDirectory,
      directory,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
