import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError, MillpondError } from "../../src/errors/index.js";
import { allKeys, type WatchBatch } from "../../src/kv/index.js";
import {
  type InProcessBucket,
  ManualClock,
  openInProcess,
  randomFrom,
  SimulatedLink,
} from "../../src/testing/index.js";
import { bytes } from "../support/bucket.js";
import { seedOfRun } from "../support/seed.js";

const seed = seedOfRun();
const COULD_BE_RIGHT = 60_000;

interface Scene {
  readonly clock: ManualClock;
  readonly bucket: InProcessBucket;
  readonly line: SimulatedLink;
  /** What a watch of all keys has brought so far, and what it ended with. */
  readonly seen: { readonly batches: WatchBatch[]; error?: unknown };
  readonly keys: () => string[];
}

async function scene(): Promise<Scene> {
  const clock = new ManualClock();
  const connection = await openInProcess({ clock });
  const bucket = await connection.createBucket("b");
  const line = new SimulatedLink(bucket, clock, randomFrom(seed));
  const seen: { batches: WatchBatch[]; error?: unknown } = { batches: [] };
  const watch = await line.watch(allKeys);
  (async () => {
    for await (const batch of watch) seen.batches.push(batch);
  })().catch((error: unknown) => (seen.error = error));
  const keys = (): string[] => seen.batches.flatMap(({ updates }) => updates.map(({ key }) => key));
  await clock.run(0);
  return { clock, bucket, line, seen, keys };
}

const refused = (error: unknown): boolean => isMillpondError(error, "invalid-argument");

describe("a simulated line", () => {
  test("that is cut brings nothing of what comes then, and all of it once it is back, after a word that it was lost", async () => {
    const { clock, bucket, line, seen, keys } = await scene();
    const told: boolean[] = [];
    line.onConnectedChange(() => told.push(line.connected));
    line.cut();
    // In the very millisecond of the cut.
    await bucket.put("a", bytes("1"));
    await clock.run(4000);
    assert.deepEqual(keys(), []);
    await assert.rejects(line.get("a"), (error) => isMillpondError(error, "not-connected"));
    line.restore();
    await clock.run(1000);
    assert.deepEqual(keys(), ["a"]);
    assert.deepEqual(told, [false, true]);
    const first = seen.batches.find(({ rebuilds }) => rebuilds === 1);
    assert.ok(first !== undefined && first.updates.length === 0 && first.pending > 0);
  });

  test("that stays cut ends its watches with not-connected", async () => {
    const { clock, line, seen } = await scene();
    line.cut();
    await clock.run(COULD_BE_RIGHT);
    assert.ok(isMillpondError(seen.error, "not-connected"));
  });

  test("that is frozen says nothing, looks connected, lets requests run out of time, and brings all of it later", async () => {
    const { clock, bucket, line, keys } = await scene();
    line.freeze();
    await bucket.put("a", bytes("1"));
    const asked = line.get("a").catch((error: unknown) => error);
    await clock.run(COULD_BE_RIGHT);
    assert.deepEqual(keys(), []);
    assert.equal(line.connected, true);
    assert.ok(isMillpondError(await asked, "timeout"));
    line.thaw();
    await clock.run(0, 10);
    assert.deepEqual(keys(), ["a"]);
  });

  test("that is slow takes as long as it is told to, each way", async () => {
    const { clock, bucket, line, keys } = await scene();
    line.latencyMs = () => 300;
    await bucket.put("a", bytes("1"));
    await clock.run(299);
    assert.deepEqual(keys(), []);
    await clock.run(1);
    assert.deepEqual(keys(), ["a"]);
    const got = line.get("a");
    const before = clock.now();
    let answeredAt = 0;
    got.then(
      () => (answeredAt = clock.now()),
      () => undefined,
    );
    await clock.run(1000);
    assert.equal(answeredAt - before, 600);
  });

  test("tells words without news twice where it is told to, and never an update", async () => {
    const { clock, bucket, line, seen, keys } = await scene();
    line.duplicates = 1;
    const before = seen.batches.length;
    await bucket.put("a", bytes("1"));
    await clock.run(2000);
    assert.deepEqual(keys(), ["a"]);
    const words = seen.batches.slice(before).filter(({ updates }) => updates.length === 0);
    assert.ok(words.length > 0);
    assert.equal(words.length % 2, 0);
  });

  test("refuses a chance that is none, and a time that is no function", async () => {
    const { line } = await scene();
    for (const chance of [-0.1, 1.1, Number.NaN]) {
      assert.throws(() => (line.duplicates = chance), refused, `${chance}`);
    }
    assert.throws(() => (line.latencyMs = 300 as never), refused);
  });

  test("ends its watches with the error that is given, and a killed one answers nothing", async () => {
    const { clock, line, seen } = await scene();
    const error = new MillpondError("watch-error", "on demand");
    line.breakWatches(error);
    await clock.run(0);
    assert.equal(seen.error, error);
    line.kill();
    await assert.rejects(line.info(), (thrown) => isMillpondError(thrown, "not-connected"));
  });
});
