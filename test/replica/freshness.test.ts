import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import type { KvStore } from "../../src/kv/index.js";
import { type Clock, systemClock } from "../../src/platform/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import { openReplica } from "../../src/replica/index.js";
import { Freshness } from "../../src/replica/freshness.js";
import { bytes } from "../support/bucket.js";
import { openScene } from "../support/scene.js";
import { until } from "../support/until.js";

const retry = { minMs: 1, maxMs: 2 };

/** The machine's timers, and a time of day that is all there is to know of the time. */
function clockOf(now: () => number): Clock {
  return { now, schedule: (...rest) => systemClock.schedule(...rest) };
}

/** The machine's timers, and a time of day that the test moves on. */
function shiftedClock(): Clock & { shiftMs: number } {
  const clock = { ...systemClock, shiftMs: 0, now: () => Date.now() + clock.shiftMs };
  return clock;
}

function isStale(error: unknown): boolean {
  return isMillpondError(error, "stale") && error.hint !== undefined;
}

function isRefused(error: unknown): boolean {
  return isMillpondError(error, "invalid-argument");
}

/** The source, whose watches hang after their first batch: 1000 updates. */
function stalledAfterOneBatch(source: KvStore): KvStore {
  const watch: KvStore["watch"] = async (scope, options) => {
    const whole = await source.watch(scope, options);
    const closed = new AbortController();
    const close = (): Promise<void> => {
      closed.abort();
      return whole.close();
    };
    return {
      async *[Symbol.asyncIterator]() {
        for await (const batch of whole) {
          yield batch;
          if (!closed.signal.aborted) await once(closed.signal, "abort");
        }
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  };
  return new Proxy(source, {
    get(target, name) {
      if (name === "watch") return watch;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A copy on disk that was level with its bucket when it was closed. */
async function leaveCopy(source: KvStore, path: string): Promise<void> {
  await using replica = await openReplica({ source, path });
  await replica.ready();
  assert.equal(replica.status().state, "live");
}

/** As {@link leaveCopy}; before it was closed the clock was set back by so much. */
async function leaveCopySetBack(source: KvStore, path: string, byMs: number): Promise<void> {
  const clock = shiftedClock();
  await using replica = await openReplica({ source, path, clock });
  await replica.ready();
  assert.equal(replica.status().state, "live");
  clock.shiftMs -= byMs;
}

describe("the age of a copy", () => {
  test("is how long ago it was proven current; unknown at first, and never negative", () => {
    let now = 1000;
    const freshness = new Freshness(clockOf(() => now));
    assert.equal(freshness.isWithin(Number.MAX_SAFE_INTEGER), false);
    freshness.provenUpTo(undefined);
    assert.equal(freshness.asOf, undefined);
    freshness.provenUpTo(400);
    assert.equal(freshness.stalenessMs, 600);
    freshness.provenUpTo(300);
    assert.equal(freshness.asOf, 400);
    assert.equal(freshness.isWithin(600), true);
    assert.equal(freshness.isWithin(599), false);
    now = 2000;
    freshness.provenUpTo(2000);
    assert.equal(freshness.isWithin(0), true);
  });

  test("is not made less by a clock that was set back, or by a moment that is yet to come", () => {
    let now = 100_000;
    const freshness = new Freshness(clockOf(() => now));
    freshness.provenUpTo(100_001);
    assert.equal(freshness.asOf, undefined);
    freshness.provenUpTo(100_000);
    now = 40_000;
    assert.equal(freshness.stalenessMs, 60_000);
    freshness.provenUpTo(39_000);
    assert.equal(freshness.stalenessMs, 1000);
  });

  test("goes back with a clock that was set back by less than had passed since anybody looked", () => {
    const time = new ManualClock();
    let aheadMs = 0;
    const clock = new MachineClock(time, () => aheadMs);
    const freshness = new Freshness(clock);
    freshness.provenUpTo(clock.now());
    time.advance(500);
    aheadMs = -400;
    assert.equal(freshness.stalenessMs, 500);
    time.advance(500);
    aheadMs = -401;
    assert.equal(freshness.stalenessMs, 999);
  });

  test("that another process told goes back with a clock that was set back before it was read", () => {
    const time = new ManualClock();
    let aheadMs = 0;
    const clock = new MachineClock(time, () => aheadMs);
    const told = clock.now() - 1000;
    const freshness = new Freshness(clock);
    time.advance(100);
    aheadMs = -300;
    freshness.provenEarlier(told);
    assert.ok(freshness.stalenessMs >= 1100, String(freshness.stalenessMs));
  });

  test("goes on where a clock that was set back comes to the same time again, and nobody asked meanwhile", () => {
    let setBackMs = 0;
    const clock = new ManualClock();
    const now = (): number => clock.now() - setBackMs;
    const freshness = new Freshness({ now, schedule: (...rest) => clock.schedule(...rest) });
    freshness.begin();
    freshness.provenUpTo(now());
    setBackMs = 600_000;
    clock.advance(600_000);
    assert.ok(freshness.stalenessMs >= 600_000, String(freshness.stalenessMs));
    freshness.end();
    assert.equal(clock.waiting, 0);
  });
});

describe("a replica that cannot reach its bucket", () => {
  test("is ready at once from a copy that was level lately enough, and not from an older one", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    await source.put("a", bytes("1"));
    await leaveCopy(source, path);
    connection.disconnect();
    const clock = shiftedClock();
    clock.shiftMs = 60_000;
    await using replica = await openReplica({ source, path, clock, retry });
    await replica.ready({ maxStalenessMs: 90_000 });
    assert.equal(replica.status().state, "stale");
    assert.deepEqual(replica.get("a", { maxStalenessMs: 90_000 }), bytes("1"));
    assert.throws(() => replica.get("a", { maxStalenessMs: 30_000 }), isStale);
    assert.throws(() => replica.entry("a", { maxStalenessMs: 30_000 }), isStale);
    assert.throws(() => replica.entries("", { maxStalenessMs: 30_000 }), isStale);
    assert.deepEqual(replica.get("a"), bytes("1"));
    let isReady = false;
    const ready = replica.ready({ maxStalenessMs: 30_000 }).then(() => (isReady = true));
    await new Promise(setImmediate);
    assert.equal(isReady, false);
    connection.reconnect();
    await ready;
    assert.deepEqual(replica.get("a", { maxStalenessMs: 30_000 }), bytes("1"));
  });

  test("takes a copy for no younger whose keeper's clock was set back after it was level last", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    await leaveCopySetBack(source, path, 60_000);
    connection.disconnect();
    const clock = shiftedClock();
    // 90 seconds later.
    clock.shiftMs = 30_000;
    await using replica = await openReplica({ source, path, clock, retry });
    assert.throws(() => replica.get("a", { maxStalenessMs: 89_000 }), isStale);
    assert.equal(replica.get("a", { maxStalenessMs: 1_000_000 }), undefined);
  });

  test("knows no age of a copy that says nothing of it, as one left by a first fill that was cut off", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    for (let count = 0; count < 1500; count += 1) await source.put(`k${count}`, bytes("1"));
    {
      const stalled = stalledAfterOneBatch(source);
      await using replica = await openReplica({ source: stalled, path });
      // One batch of the source's; a store's has the default hundred.
      const isStored = (): boolean => replica.status().cursor.toU64() === 1000n;
      await until("what came is on the disk", isStored);
      assert.equal(replica.status().asOf, undefined);
    }
    connection.disconnect();
    await using replica = await openReplica({ source, path, retry });
    assert.equal(replica.size, 1000);
    assert.equal(replica.status().asOf, undefined);
    assert.throws(() => replica.get("k0", { maxStalenessMs: 1e12 }), isStale);
  });

  test("does not take the copy of another bucket, or of other keys, for a fresh one", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    const other = await connection.createBucket("c");
    await source.put("a", bytes("1"));
    await leaveCopy(source, path);
    connection.disconnect();
    for (const options of [{ source: other }, { source, scope: ["a"] }]) {
      await using replica = await openReplica({ ...options, path, retry });
      assert.equal(replica.status().asOf, undefined);
      assert.throws(() => replica.get("a", { maxStalenessMs: 1e12 }), isStale);
    }
  });

  test("keeps on the disk what it saw of its bucket", async () => {
    await using scene = await openScene({ maxAgeMs: 3_600_000 });
    const { source, path } = scene;
    await source.put("a", bytes("1"));
    await leaveCopy(source, path);
    const kept = JSON.parse(await readFile(join(path, "seen.json"), "utf8")) as {
      limits: unknown;
    };
    assert.deepEqual(kept.limits, { maxAgeMs: 3_600_000, allowsTtl: false });
  });
});

describe("a limit to staleness", () => {
  test("that is no span of time is refused", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await using replica = await openReplica({ source, path });
    for (const maxStalenessMs of [-1, Number.NaN]) {
      await assert.rejects(replica.ready({ maxStalenessMs }), isRefused);
      assert.throws(() => replica.get("a", { maxStalenessMs }), isRefused);
    }
  });

  test("is met by a live replica of an empty bucket", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await using replica = await openReplica({ source, path });
    await replica.ready({ maxStalenessMs: 10_000 });
    assert.equal(replica.get("a", { maxStalenessMs: 10_000 }), undefined);
  });

  test("is not met while the bucket is away, however lately that was so, once the time has passed", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    const clock = shiftedClock();
    await using replica = await openReplica({ source, path, clock });
    await replica.ready();
    connection.disconnect();
    clock.shiftMs = 5000;
    assert.throws(() => replica.get("a", { maxStalenessMs: 4000 }), isStale);
    connection.reconnect();
    await source.put("a", bytes("1"));
    const { asOf: before = 0 } = replica.status();
    await until("it is proven anew", () => (replica.status().asOf ?? 0) > before);
    await until("the update is there", () => replica.get("a", { maxStalenessMs: 4000 }));
  });
});
