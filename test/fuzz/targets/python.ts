import assert from "node:assert/strict";
import { PythonReader } from "../logs/python-reader.js";
import { logTargets } from "../logs/log-target.js";
import { plainly } from "../logs/readers.js";
import type { Verdict } from "../target.js";

let python: PythonReader | undefined;

/** The reader that was written from FORMAT.md alone takes the same from the same bytes, and refuses the same at the same offset. */
async function check(bytes: Buffer): Promise<Verdict> {
  python ??= new PythonReader();
  const [{ ending, text }, answer] = await Promise.all([plainly(bytes), python.read(bytes)]);
  if (ending.failed) {
    assert.deepEqual(answer, { code: ending.code, offset: ending.offset });
    return ending.code as Verdict;
  }
  assert.equal("text" in answer ? answer.text : JSON.stringify(answer), text);
  return "accepted";
}

async function end(): Promise<void> {
  await python?.close();
  python = undefined;
}

export const pythonTargets = logTargets({ name: "python", share: 100, check, end });
