import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readSnapshot, verify } from "../../src/log/index.js";
import type { KvEntry } from "../../src/values/index.js";
import { stateAt, updateAt } from "../support/revisions.js";
import { randomFrom, seedOfRun } from "../support/seed.js";
import { tempDirectory } from "../support/temp-directory.js";
import { told } from "../support/updates.js";

const SUPPORT = join(dirname(fileURLToPath(import.meta.url)), "..", "support");
const KILLS = Number(process.env["MILLPOND_KILLS"] ?? 20);

const WRITERS = [
  ["a store", "log-appender.child.js", KILLS, 60],
  ["a writer whose log a worker compacts", "log-writer.child.js", Math.ceil(KILLS / 2), 250],
] as const;

for (const [who, script, kills, longestRunMs] of WRITERS) {
  test(`${who}, killed at ${kills} random moments, loses nothing acknowledged`, async (context) => {
    const seed = seedOfRun();
    context.diagnostic(`MILLPOND_SEED=${seed}`);
    const random = randomFrom(seed);
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    let acknowledged = 0;
    for (let kill = 1; kill <= kills; kill += 1) {
      const reached = await runAndKill(script, path, random() * longestRunMs);
      assert.ok(reached > acknowledged, `kill ${kill}: it did not go on after ${acknowledged}`);
      acknowledged = reached;
      await checkLog(path, acknowledged, `seed ${seed}, kill ${kill}`);
    }
  });
}

/** Lets the appender run for `runMs` after its first acknowledgement; returns the last one. */
async function runAndKill(script: string, path: string, runMs: number): Promise<number> {
  const child = spawn(process.execPath, [join(SUPPORT, script), path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  await Promise.race([once(child.stdout, "data"), closed]);
  await delay(runMs);
  child.kill("SIGKILL");
  const [, signal] = (await closed) as [number | null, string | null];
  assert.equal(signal, "SIGKILL", "the appender ended by itself");
  // A line that was cut short by the kill is no acknowledgement.
  return Number(output.split("\n").at(-2) ?? 0);
}

async function checkLog(path: string, acknowledged: number, when: string): Promise<void> {
  assert.equal((await verify(path)).result, "ok", when);
  const snapshot = await readSnapshot(path);
  assert.ok(snapshot !== undefined, when);
  const cursor = Number(snapshot.cursor.toU64() ?? 0n);
  assert.ok(cursor >= acknowledged, `${when}: cursor ${cursor}, acknowledged ${acknowledged}`);
  // The updates of a batch whose cursor was not reached any more may be there: ahead of the cursor, never behind.
  const state = stateAt(cursor);
  const found = sorted(snapshot.entries.values());
  for (let ahead = cursor; ; ahead += 1) {
    if (found.join() === sorted(state.values()).join()) return;
    assert.ok(
      ahead < cursor + 7,
      `${when}: the data is not that of ${cursor} nor just ahead of it`,
    );
    const update = updateAt(ahead + 1);
    if (update.kind === "put") state.set(update.key, update);
    else state.delete(update.key);
  }
}

function sorted(entries: Iterable<KvEntry>): string[] {
  return told(entries).toSorted();
}
