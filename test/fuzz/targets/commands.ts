import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { run } from "../../../src/cli/run.js";
import { tempDirectory, type TempDirectory } from "../../support/temp-directory.js";
import { logTargets } from "../logs/log-target.js";
import { plainly } from "../logs/readers.js";
import type { Verdict } from "../target.js";

let directory: TempDirectory | undefined;

interface Answer {
  readonly status: number;
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/**
 * On any file the commands that only read end with status 0, or 1 with the code and the offset that reading it gives; each line of
 * their output is JSON; and the file is as it was.
 */
async function check(bytes: Buffer): Promise<Verdict> {
  directory ??= await tempDirectory();
  const file = directory.file("copy.snap");
  await writeFile(file, bytes);
  const { ending } = await plainly(bytes);
  const expected = ending.failed ? [1, ending.code, ending.offset] : [0, undefined, undefined];
  for (const name of ["inspect", "verify", "cat"]) {
    const { status, records } = await answerOf(name, file, "--json");
    const last = records.at(-1) ?? {};
    const found = status === 0 ? [0, undefined, undefined] : [status, last["code"], last["offset"]];
    assert.deepEqual(found, expected, name);
  }
  const listed = await answerOf("ls", directory.path, "--json");
  const [least, most] = ending.failed ? [1, 1] : [0, 1];
  assert.ok(listed.status >= least && listed.status <= most, "ls");
  await answerOf("inspect", file);
  await answerOf("repair", file, "--dry-run");
  assert.ok((await readFile(file)).equals(bytes), "it was written to");
  return ending.failed ? (ending.code as Verdict) : "accepted";
}

async function answerOf(...argv: string[]): Promise<Answer> {
  let out = "";
  let err = "";
  const status = await run(
    argv,
    sink((chunk) => (out += chunk)),
    sink((chunk) => (err += chunk)),
  );
  assert.ok(status === 0 || status === 1, `${argv.join(" ")}: status ${status}: ${err}`);
  assert.ok(!/^millpond: internal/m.test(err), err);
  if (!argv.includes("--json")) return { status, records: [] };
  const lines = out.split("\n").slice(0, -1);
  return { status, records: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
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

async function end(): Promise<void> {
  await directory?.[Symbol.asyncDispose]();
  directory = undefined;
}

export const commandTargets = logTargets({ name: "commands", share: 20, check, end });
