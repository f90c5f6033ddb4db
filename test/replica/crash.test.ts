import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type InProcessBucket,
  type InProcessConnection,
  openInProcess,
} from "../../src/in-process/index.js";
import { openReplica, type ReplicaOptions } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import type { LogFormat } from "../../src/log/index.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { until } from "../support/until.js";

const path = "/copy";
/** Small, so that there is more than one write to die at. */
const small = { windowMs: 0, maxUpdates: 2, queueCapacity: 2 };
const quick = { minMs: 1, maxMs: 1 };

/** Opens a replica and closes it once it has caught up, or once the process has died at the `death`th file operation. */
async function run(
  fs: MemoryFileSystem,
  options: Pick<ReplicaOptions, "source" | "scope" | "format">,
  death = Infinity,
): Promise<"live" | "dead"> {
  let operations = 0;
  let died = false;
  fs.setHook(() => {
    operations += 1;
    if (operations < death) return undefined;
    died = true;
    return { error: systemError("EIO"), partialBytes: 0 };
  });
  try {
    const replica = await openReplica({ ...options, path, fs, batch: small, retry: quick });
    await until("it is live or dead", () => died || replica.status().state === "live");
    await replica.close();
  } catch (error) {
    if (!died) throw error;
  }
  fs.crash();
  return died ? "dead" : "live";
}

/** A disk with a copy of a bucket of ten keys, half of which were deleted afterwards. */
async function prepare(
  connection: InProcessConnection,
  format: LogFormat = 3,
): Promise<[MemoryFileSystem, InProcessBucket]> {
  const source = await connection.createBucket("b");
  for (let key = 0; key < 10; key += 1) await source.put(`${key % 2}.${key}`, bytes("old"));
  const fs = new MemoryFileSystem();
  assert.equal(await run(fs, { source, format }), "live");
  for (let key = 0; key < 5; key += 1) await source.delete(`${key % 2}.${key}`);
  return [fs, source];
}

async function makeAgain(connection: InProcessConnection): Promise<InProcessBucket> {
  await connection.deleteBucket("b");
  const source = await connection.createBucket("b");
  // Stays the first, so that every old position looks sound to a stream's window.
  await source.put("1.first", bytes("again"));
  for (let count = 0; count < 30; count += 1) await source.put(`0.${count % 7}`, bytes("again"));
  return source;
}

async function assertCatchesUp(
  fs: MemoryFileSystem,
  options: Pick<ReplicaOptions, "source" | "scope">,
  death: number,
): Promise<void> {
  await using replica = await openReplica({ ...options, path, fs, batch: small, retry: quick });
  await replica.ready();
  const scope = options.scope === undefined ? undefined : [...options.scope];
  await assertMirrors(replica, options.source, scope, `died at file operation ${death}`);
}

/** Every file operation at which a process can die, until it gets through. */
async function eachDeath(body: (death: number) => Promise<"live" | "dead">): Promise<void> {
  let outcome: "live" | "dead" = "dead";
  let death = 1;
  for (; outcome === "dead"; death += 1) outcome = await body(death);
  assert.ok(death > 15, `only ${death} points to die at`);
}

describe("a replica that dies at any file operation", () => {
  test("while it turns to a bucket that was made again holds, when it is next live, that one only", async () => {
    await eachDeath(async (death) => {
      await using connection = await openInProcess();
      const [fs] = await prepare(connection);
      const source = await makeAgain(connection);
      const outcome = await run(fs, { source }, death);
      await assertCatchesUp(fs, { source }, death);
      return outcome;
    });
  });

  test("before the bucket is made again holds, when it is next live, that one only", async () => {
    await eachDeath(async (death) => {
      await using connection = await openInProcess();
      const [fs, source] = await prepare(connection);
      const outcome = await run(fs, { source, scope: ["0."] }, death);
      await assertCatchesUp(fs, { source: await makeAgain(connection) }, death);
      return outcome;
    });
  });

  test("while it takes another scope holds, when it is next live with the first one, all of it", async () => {
    await eachDeath(async (death) => {
      await using connection = await openInProcess();
      const [fs, source] = await prepare(connection);
      const outcome = await run(fs, { source, scope: ["0."] }, death);
      await source.put("1.1", bytes("later"));
      await assertCatchesUp(fs, { source }, death);
      return outcome;
    });
  });

  test("while it takes another scope holds, when it is next live with that one, nothing else", async () => {
    await eachDeath(async (death) => {
      await using connection = await openInProcess();
      const [fs, source] = await prepare(connection);
      const outcome = await run(fs, { source, scope: ["0."] }, death);
      await assertCatchesUp(fs, { source, scope: ["0."] }, death);
      return outcome;
    });
  });
});

test("a replica with a log of format 2 notes whom its position belongs to only after the log without one is safe from a power loss", async () => {
  await using connection = await openInProcess();
  const [fs] = await prepare(connection, 2);
  const source = await makeAgain(connection);
  const order: string[] = [];
  fs.setHook(({ name, path: file }) => {
    const isOther = file.includes("seen.json");
    if (["writeSync", "sync", "rename"].includes(name) && !isOther) order.push(`${name} ${file}`);
    return undefined;
  });
  await using replica = await openReplica({ source, path, fs, format: 2 });
  await replica.ready();
  const noted = order.indexOf("rename /copy/replica.json.tmp");
  assert.deepEqual(order.slice(noted - 4, noted + 1), [
    "writeSync /copy/copy.snap",
    "sync /copy/copy.snap",
    "writeSync /copy/replica.json.tmp",
    "sync /copy/replica.json.tmp",
    "rename /copy/replica.json.tmp",
  ]);
});
