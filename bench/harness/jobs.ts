import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { PreparedName } from "../prepared.js";
import type { Figures } from "./part.js";

interface JobBase {
  readonly keys: number;
  readonly seed: number;
  readonly preparedDirectory: string;
}

export interface PrepareJob extends JobBase {
  readonly kind: "prepare";
  readonly name: PreparedName;
}

export interface MeasureJob extends JobBase {
  readonly kind: "measure";
  readonly part: string;
  readonly subject: string;
  readonly directory: string;
}

export type Job = PrepareJob | MeasureJob;

const CHILD = fileURLToPath(new URL("../child.js", import.meta.url));
const JOB_MS = 15 * 60_000;
const ERROR_CHARACTERS = 4000;

export async function runPrepare(job: PrepareJob): Promise<void> {
  await runJob(job);
}

export async function runMeasure(job: MeasureJob): Promise<Figures> {
  return JSON.parse(await runJob(job)) as Figures;
}

/** What the child printed; throws with the line of its error that says what was wrong. */
async function runJob(job: Job): Promise<string> {
  const child = spawn(
    process.execPath,
    ["--expose-gc", "--max-old-space-size=8192", CHILD, JSON.stringify(job)],
    { stdio: ["ignore", "pipe", "pipe"], timeout: JOB_MS },
  );
  let printed = "";
  let complaint = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-ERROR_CHARACTERS);
  });
  const [status, signal] = (await once(child, "close")) as [number | null, string | null];
  if (status === 0) return printed;
  throw new Error(errorLine(complaint) ?? `ended with ${status ?? signal ?? "nothing"}`);
}

function errorLine(complaint: string): string | undefined {
  const lines = complaint.split("\n").map((line) => line.trim());
  return lines.find((line) => /^(?:FATAL ERROR|\w*Error)\b/.test(line)) ?? lines.find(Boolean);
}
