import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { allKeys } from "../../src/kv/index.js";
import { simulateAbsence, startTraffic } from "../../src/in-process/index.js";
import { ManualClock, openInProcess } from "../../src/testing/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { randomFrom } from "../support/seed.js";
import { until } from "../support/until.js";

describe("demo traffic", () => {
  test("fills an empty bucket, then writes at its rate, and stops", async () => {
    const clock = new ManualClock();
    await using connection = await openInProcess({ clock });
    const bucket = await connection.createBucket("demo");
    const options = { clock, random: randomFrom(7), keys: 300, updatesPerSecond: 100 };
    const traffic = startTraffic(bucket, options);
    await until("filled", () => traffic.written === 300);
    assert.equal((await bucket.info()).records, 300);
    for (let step = 0; step < 40; step += 1) {
      await until("the tick is over", () => clock.waiting > 0);
      clock.advance(50);
    }
    await until("two seconds' worth", () => traffic.written === 500);
    await traffic.stop();
    assert.equal((await bucket.info()).lastSequence, 500n);
    await traffic.done;
  });

  test("removes keys and brings them back, and keeps every earlier cursor good", async () => {
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("demo");
    const options = { random: randomFrom(7), keys: 500 };
    const traffic = startTraffic(bucket, options);
    await until("filled", () => traffic.written >= 500);
    await traffic.stop();
    assert.equal(await simulateAbsence(bucket, 20_000, options), 4000);
    assert.equal((await bucket.info()).firstSequence, 1n);
    const kinds = new Set<string>();
    await using watch = await bucket.watch(allKeys, { from: WatchCursor.fromU64(1) });
    for await (const batch of watch) {
      for (const update of batch.updates) kinds.add(update.kind);
      if (batch.caughtUp) break;
    }
    assert.deepEqual([...kinds].toSorted(), ["delete", "purge", "put"]);
  });

  test("an absence is never more than 5000 updates", async () => {
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("demo");
    assert.equal(await simulateAbsence(bucket, 7 * 86_400_000), 5000);
    assert.equal(await simulateAbsence(bucket, -1), 0);
  });

  test("goes on after a lost line, and ends with the error that a write cannot get past", async () => {
    const clock = new ManualClock();
    await using connection = await openInProcess({ clock });
    const bucket = await connection.createBucket("demo");
    const traffic = startTraffic(bucket, { clock, random: randomFrom(7), keys: 10 });
    await until("filled", () => traffic.written === 10);
    const step = async (): Promise<void> => {
      await until("the tick is over", () => clock.waiting > 0);
      clock.advance(50);
    };
    connection.disconnect();
    await step();
    await until("the tick is over", () => clock.waiting > 0);
    assert.equal(traffic.written, 10);
    connection.reconnect();
    await step();
    await until("more was written", () => traffic.written > 10);
    await connection.deleteBucket("demo");
    await step();
    await assert.rejects(traffic.done, (error) => isMillpondError(error, "bucket-not-found"));
  });
});
