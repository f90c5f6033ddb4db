import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type InProcessBucket, openInProcess } from "../../src/in-process/index.js";
import type { InProcessConnection } from "../../src/in-process/index.js";
import type { BucketConfig } from "../../src/kv/index.js";
import { type Clock, systemClock } from "../../src/platform/index.js";
import { openReplica, type Replica, type ReplicaOptions } from "../../src/replica/index.js";
import { SeenFile } from "../../src/replica/seen.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { bytes } from "../support/bucket.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { until } from "../support/until.js";

const SECOND = 1000;
const path = "/copy";

/** The machine's timers, and a time of day that stands still until it is moved on. */
class TimeOfDay implements Clock {
  readonly schedule: Clock["schedule"] = (delayMs, callback) =>
    systemClock.schedule(delayMs, callback);
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

interface Scene extends AsyncDisposable {
  /** Of the bucket's server. */
  readonly serverClock: ManualClock;
  readonly connection: InProcessConnection;
  readonly source: InProcessBucket;
  open(options?: Partial<ReplicaOptions>): Promise<Replica>;
}

async function openScene(config: BucketConfig, fs = new MemoryFileSystem()): Promise<Scene> {
  const serverClock = new ManualClock();
  const connection = await openInProcess({ clock: serverClock });
  const source = await connection.createBucket("b", config);
  return {
    serverClock,
    connection,
    source,
    open: (options) => openReplica({ source, path, fs, ...options }),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function keysOf(replica: Replica): string[] {
  return Array.from(replica.entries(), ({ key }) => key);
}

describe("an entry whose time is over", () => {
  test("is hidden by the bucket's clock, also while the bucket cannot be reached", async () => {
    await using scene = await openScene({ maxAgeMs: 10 * SECOND });
    const { serverClock, connection, source } = scene;
    // An hour behind the server's, as a machine's clock may be.
    const clock = new TimeOfDay(serverClock.now() - 3_600_000);
    await source.put("early", bytes("1"));
    serverClock.advance(4 * SECOND);
    clock.advance(4 * SECOND);
    await source.put("late", bytes("1"));
    await using replica = await scene.open({ clock });
    await replica.ready();
    assert.deepEqual(keysOf(replica), ["early", "late"]);
    connection.disconnect();
    clock.advance(6 * SECOND - 1);
    assert.deepEqual(keysOf(replica), ["early", "late"]);
    clock.advance(1);
    assert.deepEqual(keysOf(replica), ["late"]);
    assert.equal(replica.get("early"), undefined);
    assert.equal(replica.entry("early"), undefined);
    clock.advance(4 * SECOND);
    assert.deepEqual(keysOf(replica), []);
  });

  test("is hidden after a start that cannot reach the bucket, by what was seen of it before", async () => {
    await using scene = await openScene({ maxAgeMs: 10 * SECOND });
    const { serverClock, connection, source } = scene;
    const clock = new TimeOfDay(serverClock.now() - 3_600_000);
    await source.put("a", bytes("1"));
    {
      await using replica = await scene.open({ clock });
      await replica.ready();
    }
    connection.disconnect();
    clock.advance(9 * SECOND);
    {
      await using replica = await scene.open({ clock });
      assert.deepEqual(keysOf(replica), ["a"]);
    }
    clock.advance(SECOND);
    await using replica = await scene.open({ clock });
    assert.deepEqual(keysOf(replica), []);
    assert.equal(replica.status().state, "stale");
  });

  test("is shown after such a start where what was seen is of another bucket, or of one made before it", async () => {
    const fs = new MemoryFileSystem();
    await using scene = await openScene({ maxAgeMs: 10 * SECOND }, fs);
    const { serverClock, connection, source } = scene;
    const clock = new TimeOfDay(serverClock.now());
    await source.put("a", bytes("1"));
    {
      await using replica = await scene.open({ clock });
      await replica.ready();
    }
    const file = new SeenFile(fs, path);
    const seen = await file.read();
    assert.ok(seen !== undefined);
    await file.write({ ...seen, origin: `${seen.origin} ` });
    connection.disconnect();
    clock.advance(11 * SECOND);
    await using replica = await scene.open({ clock });
    assert.deepEqual(keysOf(replica), ["a"]);
    assert.equal(replica.status().asOf, undefined);
  });

  test("has its own time to live where the bucket allows that", async () => {
    await using scene = await openScene({ markerTtlMs: 60 * SECOND });
    const { serverClock, connection, source } = scene;
    const clock = new TimeOfDay(serverClock.now());
    await source.put("short", bytes("1"), { ttlMs: 2 * SECOND });
    await source.put("long", bytes("1"));
    await using replica = await scene.open({ clock });
    await replica.ready();
    connection.disconnect();
    clock.advance(2 * SECOND);
    assert.deepEqual(keysOf(replica), ["long"]);
  });

  test("only by a clock that was set is removed by nobody while the bucket can be asked", async () => {
    await using scene = await openScene({ maxAgeMs: 1500 });
    const { serverClock, source } = scene;
    const clock = new TimeOfDay(serverClock.now());
    await source.put("a", bytes("1"));
    await using replica = await scene.open({ clock });
    await replica.ready();
    // For that it is asked too.
    await until("it was counted", () => replica.status().counters.counts > 0);
    clock.advance(2 * 3_600_000);
    assert.equal(replica.get("a"), undefined);
    await until("the bucket was asked what time it is", () => replica.get("a"));
    assert.equal(replica.status().counters.expired, 0);
  });

  test("stays where the copy is one that retains what the bucket forgets", async () => {
    await using scene = await openScene({ maxAgeMs: 10 * SECOND });
    const { serverClock, source } = scene;
    const clock = new TimeOfDay(serverClock.now());
    await source.put("a", bytes("1"));
    await source.put("b", bytes("1"));
    await using replica = await scene.open({ clock, expiry: "retain" });
    await replica.ready();
    await source.delete("b");
    await until("the delete has arrived", () => replica.get("b") === undefined);
    clock.advance(60 * SECOND);
    serverClock.advance(60 * SECOND);
    await replica.waitFor(await source.put("c", bytes("1")));
    assert.deepEqual(keysOf(replica), ["a", "c"]);
  });
});
