import assert from "node:assert/strict";
import { CorruptedError, InvalidFormatError } from "../../../src/errors/index.js";
import { convert, verify } from "../../../src/log/index.js";
import { diskWith, LOG_PATH } from "../../support/v3-logs.js";
import { stateText } from "../../log/sweep/outcome.js";
import { readSnapshot } from "../../../src/log/index.js";
import type { FileSystem } from "../../../src/platform/index.js";
import { logTargets } from "../logs/log-target.js";
import { loaded, NOTHING, plainly } from "../logs/readers.js";
import { refusal, type Verdict } from "../target.js";

const THERE = "/disk/there.snap";
const BACK = "/disk/back.snap";

/**
 * A log that reads becomes one of either format that reads to the same, less what the format has no room for; and one of format 2
 * that went to format 3 and back is byte for byte what it was. One that does not read is refused alike, and nothing is made.
 */
async function check(bytes: Buffer): Promise<Verdict> {
  const fs = await diskWith(bytes);
  const { ending, text } = await plainly(bytes);
  for (const format of [3, 2] as const) {
    const to = `${THERE}.${format}`;
    let result: Awaited<ReturnType<typeof convert>>;
    try {
      result = await convert(LOG_PATH, to, { fs, format });
    } catch (error) {
      const code = refusal(error, ["corrupted", "invalid-format"]);
      assert.ok(ending.failed && isAt(error, ending.offset) && code === ending.code, String(error));
      assert.ok(!fs.names.some((name) => name !== LOG_PATH), "something was left");
      return code;
    }
    assert.ok(!ending.failed, "a damaged log was converted");
    assert.equal(result.tornBytes, bytes.length - ending.goodBytes);
    assert.equal((await verify(to, { fs })).bytes, result.bytes);
    assert.equal((await verify(to, { fs })).tornBytes, 0);
    if (format === 3) assert.equal(await loaded(fs, to), orNothing(text));
    else assert.equal(await withoutExtras(fs, to), await withoutExtras(fs, LOG_PATH));
    if (result.from === 2 && format === 3) {
      await convert(to, BACK, { fs, format: 2 });
      assert.ok(fs.content(BACK)?.equals(bytes.subarray(0, ending.failed ? 0 : ending.goodBytes)));
    }
  }
  return "accepted";
}

function isAt(error: unknown, offset: number): boolean {
  const isOurs = error instanceof CorruptedError || error instanceof InvalidFormatError;
  return isOurs && error.offset === offset;
}

/** Without entries and a cursor there is no snapshot, whatever the origin. */
function orNothing(text: string): string {
  const lines = text.split("\n");
  return lines.length === 3 && lines[0] === "" ? NOTHING : text;
}

/** The state of a log without what format 2 does not know. */
async function withoutExtras(fs: FileSystem, path: string): Promise<string> {
  const snapshot = await readSnapshot(path, { fs });
  if (snapshot === undefined) return NOTHING;
  const { entries, cursor } = snapshot;
  const plain = Array.from(entries.values(), ({ key, value, version }) => ({
    key,
    value,
    version,
  }));
  return stateText(plain, { cursor, cursorTimeNs: 0n, origin: undefined });
}

export const convertTargets = logTargets({ name: "convert", share: 150, check });
