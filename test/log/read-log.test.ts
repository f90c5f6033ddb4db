import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { run } from "../../src/cli/run.js";
import { codecOf } from "../../src/log/codecs.js";
import { randomBatches } from "../support/random-batches.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { tempDirectory } from "../support/temp-directory.js";
import { V3Log } from "../support/v3-logs.js";

interface Answer {
  readonly status: number;
  readonly stdout: string;
  /** Code and offset of what went wrong. */
  readonly failure: string;
}

/** The reader in Python that knows FORMAT.md only. That Python is missing is a failure, as everything else here. */
function runPython(args: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const script = join("scripts", "read-log.py");
    execFile("python3", [script, ...args], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status !== "number") reject(error ?? new Error("no status"));
      else resolve({ status, stdout, failure: failureIn(stderr) });
    });
  });
}

/** The same for many files at once, with their positions: starting Python takes longer than reading a small log. */
async function byPython(paths: readonly string[]): Promise<Answer[]> {
  const { stdout } = await runPython(["--position", ...paths]);
  const answers: Answer[] = [];
  for (const part of stdout.split(/^(?={"file":)/m)) {
    const [, ...lines] = part.split("\n");
    const failure = /^{"code":"([a-z-]+)","offset":(\d+)}$/.exec(lines[0] ?? "");
    answers.push(
      failure === null
        ? { status: 0, stdout: lines.join("\n"), failure: "" }
        : { status: 1, stdout: "", failure: `${failure[1]} ${failure[2]}` },
    );
  }
  return answers;
}

/** What `cat` prints, and then the position as `inspect` has it, as the reader in Python does with `--position`. */
async function byMillpond(path: string): Promise<Answer> {
  const answer = await byCat(path);
  if (answer.status !== 0) return answer;
  let stdout = "";
  await run(
    ["inspect", path, "--json"],
    sink((chunk) => (stdout += chunk)),
    sink(() => undefined),
  );
  const { result, cursor, cursorTime, origin } = JSON.parse(stdout) as Record<string, string>;
  const position = result === "none" ? null : { cursor, cursorTime, origin };
  return { ...answer, stdout: `${answer.stdout}${JSON.stringify(position)}\n` };
}

async function byCat(path: string): Promise<Answer> {
  let stdout = "";
  let stderr = "";
  const out = sink((chunk) => (stdout += chunk));
  const err = sink((chunk) => (stderr += chunk));
  const status = await run(["cat", path, "--json"], out, err);
  if (status === 0) return { status, stdout, failure: "" };
  const { code, offset } = JSON.parse(stdout) as { code: string; offset: number };
  assert.match(stderr, /^millpond: /);
  return { status, stdout: "", failure: `${code} ${offset}` };
}

function sink(take: (chunk: string) => void): Parameters<typeof run>[1] {
  return {
    write(chunk) {
      take(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
      return true;
    },
    once: () => undefined,
  };
}

function failureIn(stderr: string): string {
  const [, code = "", offset = ""] = /^([a-z-]+) at byte (\d+)/.exec(stderr) ?? [];
  return code === "" ? "" : `${code} ${offset}`;
}

/** Both readers' answer to each of these logs. */
async function agreed(logs: ReadonlyMap<string, Uint8Array>): Promise<Map<string, Answer>> {
  await using directory = await tempDirectory();
  const paths: string[] = [];
  for (const [name, bytes] of logs) {
    const path = directory.file(`${paths.length}-${name.replaceAll(/\W/g, "-")}.snap`);
    paths.push(path);
    await writeFile(path, bytes);
  }
  const python = await byPython(paths);
  const answers = new Map<string, Answer>();
  for (const [index, name] of [...logs.keys()].entries()) {
    const ours = await byMillpond(paths[index] ?? "");
    assert.deepEqual(python[index], ours, name);
    answers.set(name, ours);
  }
  return answers;
}

describe("a reader written from FORMAT.md alone agrees with millpond cat and millpond inspect", () => {
  for (const folder of [
    "fixtures/v2",
    "fixtures/v3",
    "fixtures/refused",
    "vectors/v2/tail",
    "vectors/v2/header",
  ]) {
    test(`on ${folder}`, async () => {
      const names = readdirSync(join("test", folder)).filter((name) => name.endsWith(".snap"));
      assert.ok(names.length > 2);
      const logs = new Map<string, Uint8Array>();
      for (const name of names) logs.set(name, await readFile(join("test", folder, name)));
      await agreed(logs);
    });
  }

  test("on random logs, whole, cut short and damaged", async () => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    const logs = new Map<string, Uint8Array>();
    for (let round = 0; round < 60; round += 1) {
      const bytes = round % 2 === 0 ? v3Bytes(seed + round) : v2Bytes(seed + round);
      const at = integerBelow(random, bytes.length);
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << integerBelow(random, 8));
      logs.set(`whole, seed ${seed}, round ${round}`, bytes);
      logs.set(`byte ${at} changed, seed ${seed}, round ${round}`, flipped);
      logs.set(`cut at ${at}, seed ${seed}, round ${round}`, bytes.subarray(0, at));
    }
    const answers = await agreed(logs);
    const failed = [...answers].filter(([, { status }]) => status !== 0).map(([name]) => name);
    assert.ok(
      failed.some((name) => name.startsWith("byte")),
      `seed ${seed}`,
    );
    assert.deepEqual(
      failed.filter((name) => name.startsWith("whole")),
      [],
    );
  });

  test("in the status and the offset of a single damaged file", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    const bytes = await readFile(join("test", "fixtures", "v3", "several-batches.snap"));
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await writeFile(path, bytes);
    assert.deepEqual(await runPython([path]), await byCat(path));
  });
});

function v3Bytes(seed: number): Buffer {
  const log = new V3Log();
  for (const { updates, position } of randomBatches(seed)) log.batch(updates, position);
  return log.bytes;
}

function v2Bytes(seed: number): Buffer {
  const codec = codecOf(2);
  const salt = new Uint8Array(0);
  const encoder = codec.encoder();
  const parts: Uint8Array[] = [codec.header(salt)];
  for (const { updates, position } of randomBatches(seed)) {
    encoder.clear();
    for (const update of updates) encoder.add(update);
    encoder.end(position);
    parts.push(Uint8Array.from(encoder.stamp({ offset: 0, salt })));
  }
  return Buffer.concat(parts);
}
