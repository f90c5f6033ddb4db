import assert from "node:assert/strict";
import { repairLog } from "../../../src/log/index.js";
import { diskWith, LOG_PATH } from "../../support/v3-logs.js";
import { requireNoneGivenUp } from "../logs/given-up.js";
import { logTargets } from "../logs/log-target.js";
import { plainly } from "../logs/readers.js";
import { refusal, type Verdict } from "../target.js";

/**
 * A repair of whatever it is ends in a log that reads, or leaves the file alone; a dry run says what it would do; what was damaged
 * is kept byte for byte; what was good before the damage is kept, and no position that the log had given up. A second repair
 * finds nothing.
 */
async function check(bytes: Buffer): Promise<Verdict> {
  const fs = await diskWith(bytes);
  const dry = await outcomeOf(() => repairLog(LOG_PATH, { fs, dryRun: true }));
  assert.deepEqual(fs.names, [LOG_PATH], "a dry run made a file");
  assert.ok(fs.content(LOG_PATH)?.equals(bytes), "a dry run wrote");
  const done = await outcomeOf(() => repairLog(LOG_PATH, { fs }));
  if ("code" in done) {
    assert.deepEqual(dry, done, "a dry run says otherwise");
    assert.ok(
      fs.content(LOG_PATH)?.equals(bytes),
      "a file that is to be left alone was written to",
    );
    return done.code;
  }
  const after = fs.content(LOG_PATH) ?? Buffer.alloc(0);
  const { ending, text } = await plainly(after);
  assert.ok(!ending.failed && ending.goodBytes === after.length, "it does not read after a repair");
  const again = await outcomeOf(() => repairLog(LOG_PATH, { fs }));
  assert.deepEqual(again, { repair: undefined }, "a second repair found damage");
  if (done.repair === undefined) {
    assert.deepEqual(dry, done, "a dry run says otherwise");
    return "accepted";
  }
  const { setAside, ...rest } = done.repair;
  assert.deepEqual("repair" in dry && dry.repair, { ...rest, setAside: undefined });
  assert.ok(setAside !== undefined && fs.content(setAside)?.equals(bytes), "the evidence is gone");
  assert.equal(text.split("\n").at(-3) ?? "", rest.cursor.toHex(), "it reports another position");
  requireNoneGivenUp(bytes, bytes.length - rest.lostBytes, rest.cursor);
  return rest.code;
}

type Outcome =
  { readonly repair: Awaited<ReturnType<typeof repairLog>> } | { readonly code: Verdict };

async function outcomeOf(run: () => ReturnType<typeof repairLog>): Promise<Outcome> {
  try {
    return { repair: await run() };
  } catch (error) {
    return { code: refusal(error, ["corrupted", "invalid-format"]) };
  }
}

export const repairTargets = logTargets({ name: "repair", share: 100, check });
