import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError, MillpondError, type ErrorCode } from "../../src/errors/index.js";
import { type CursorOrigin, watchApplied } from "../../src/watch/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { MemoryStore } from "../support/memory-store.js";
import { at, batchOf, put, ScriptedSource } from "../support/scripted-source.js";
import { bring, startWatching, turns, type Watching } from "../support/watching.js";

function failure(code: ErrorCode): MillpondError {
  return new MillpondError(code, `a ${code} on purpose`);
}

function delays(watching: Watching): number[] {
  return watching.events.flatMap((event) => (event.type === "retrying" ? [event.delayMs] : []));
}

function originOf(created: string, log: string[] = []): CursorOrigin & { stored: string } {
  return {
    stored: created,
    read: async () => {
      log.push("read");
      return { bucket: "b", created, firstSequence: 1n, records: 1 };
    },
    refusal(actual) {
      return actual.created === this.stored ? undefined : "foreign-cursor";
    },
    async adopt(actual) {
      log.push("adopt");
      this.stored = actual.created;
    },
  };
}

describe("a source that fails", () => {
  test("is watched again from the applied cursor, after a wait that the events tell", async () => {
    await using watching = startWatching();
    await turns();
    const error = failure("not-connected");
    watching.source.current.give(batchOf([put("a", 3)]));
    watching.source.current.fail(error);
    await turns();
    assert.deepEqual(watching.events.at(-1), {
      type: "retrying",
      error,
      delayMs: 150,
      failures: 1,
    });
    watching.clock.advance(149);
    await turns();
    assert.equal(watching.source.watches.length, 1);
    watching.clock.advance(1);
    await turns();
    assert.deepEqual(watching.source.calls, ["watch all", "watch all from 3"]);
  });

  test("is waited for longer each time, up to the limit, until a watch has caught up", async () => {
    await using watching = startWatching({ retry: { minMs: 100, maxMs: 1000 }, random: () => 1 });
    await turns();
    watching.source.setUpErrors.push(...Array.from({ length: 5 }, () => failure("timeout")));
    watching.source.current.fail(failure("watch-error"));
    await turns();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      watching.clock.advance(1000);
      await turns();
    }
    assert.deepEqual(delays(watching), [200, 400, 800, 1000, 1000, 1000]);
    watching.source.current.give(batchOf([put("a", 1)], { caughtUp: true }));
    watching.source.current.fail(failure("watch-error"));
    await turns();
    assert.equal(delays(watching).at(-1), 200);
  });

  for (const code of ["not-connected", "timeout", "connection-failed", "watch-error"] as const) {
    test(`with ${code} at the first contact is retried`, async () => {
      const source = new ScriptedSource();
      source.setUpErrors.push(failure(code));
      await using watching = startWatching({ source });
      await turns();
      watching.clock.advance(5000);
      await turns();
      assert.equal(source.watches.length, 1);
    });
  }

  for (const code of [
    "bucket-not-found",
    "authorization",
    "server-too-old",
    "invalid-key",
    "invalid-argument",
  ] as const) {
    test(`with ${code} at the first contact ends the watch where failFast is on`, async () => {
      const source = new ScriptedSource();
      source.setUpErrors.push(failure("not-connected"), failure(code));
      await using watching = startWatching({ source, failFast: true });
      await turns();
      watching.clock.advance(5000);
      await assert.rejects(watching.done, (error) => isMillpondError(error, code));
    });

    test(`with ${code} after it was watched is retried`, async () => {
      await using watching = startWatching();
      await turns();
      watching.source.current.fail(failure(code));
      watching.source.setUpErrors.push(failure(code));
      await turns();
      watching.clock.advance(30_000);
      await turns();
      watching.clock.advance(30_000);
      await turns();
      assert.equal(watching.source.watches.length, 2);
    });
  }

  test("with what only a person can mend is told with its code, and tried again more and more calmly", async () => {
    const source = new ScriptedSource();
    const error = failure("authorization");
    source.setUpErrors.push(...Array.from({ length: 10 }, () => error));
    await using watching = startWatching({ source, random: () => 0.999_999 });
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await turns();
      watching.clock.advance(30_000);
    }
    await turns();
    assert.deepEqual(
      delays(watching),
      [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000],
    );
    assert.ok(watching.events.some((event) => event.type === "retrying" && event.error === error));
    assert.equal(source.watches.length, 1);
  });

  test("is tried again soon after it says that it is connected again", async () => {
    const source = new ScriptedSource();
    source.setUpErrors.push(failure("authorization"));
    await using watching = startWatching({ source });
    await turns();
    source.setConnected(false);
    await turns();
    assert.equal(watching.clock.waiting, 1);
    source.setConnected(true);
    await turns();
    watching.clock.advance(50);
    await turns();
    assert.equal(source.watches.length, 1);
    await watching.stop();
    assert.equal(watching.clock.waiting, 0);
  });

  test("because its bucket is gone is not trusted with the old position once there is one again", async () => {
    const source = new ScriptedSource();
    await using watching = startWatching({ source });
    await turns();
    source.current.give(batchOf([put("a", 3)]));
    source.setUpErrors.push(failure("bucket-not-found"));
    source.current.fail(failure("bucket-not-found"));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await turns();
      watching.clock.advance(30_000);
    }
    await turns(10);
    assert.deepEqual(source.calls, ["watch all", "watch all", "watch all"]);
    source.current.give(batchOf([], { cursor: at(4), caughtUp: true }));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.equal(watching.store.size, 0);
  });

  test("because its bucket is gone while it is set up again is not trusted with the old position either", async () => {
    const source = new ScriptedSource();
    await using watching = startWatching({ source });
    await turns();
    source.current.give(batchOf([put("a", 3)]));
    source.setUpErrors.push(failure("bucket-not-found"));
    source.current.fail(failure("timeout"));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await turns();
      watching.clock.advance(30_000);
    }
    await turns(10);
    assert.deepEqual(source.calls, ["watch all", "watch all from 3", "watch all"]);
  });

  test("because its bucket is gone ends the watch where there are no keys to repair with", async () => {
    const source = new ScriptedSource();
    const done = watchApplied({ source, parse: (update) => update, apply: () => undefined });
    await turns();
    source.current.give(batchOf([put("a", 3)]));
    source.current.fail(failure("bucket-not-found"));
    await assert.rejects(done, (error) => isMillpondError(error, "cursor-expired"));
  });

  test("has its old watch closed", async () => {
    await using watching = startWatching();
    await turns();
    watching.source.current.fail(failure("watch-error"));
    await turns();
    assert.ok(watching.source.watches[0]?.closed);
  });
});

describe("the origin of a position", () => {
  test("that is the bucket's own lets the watch resume", async () => {
    const store = MemoryStore.of([put("a", 1)], at(5));
    await using watching = startWatching({ store, origin: originOf("monday") });
    await turns();
    assert.deepEqual(watching.source.calls, ["watch all from 5"]);
    assert.ok(!watching.source.current.closed);
  });

  test("that is another makes it start over, with the position withdrawn before the new one is noted", async () => {
    const source = new ScriptedSource();
    const store = MemoryStore.of([put("a", 1)], at(5));
    const origin = originOf("tuesday", source.calls);
    origin.stored = "monday";
    origin.adopt = async (actual) => {
      source.calls.push(`adopt at ${store.position.toU64() ?? "none"}`);
      origin.stored = actual.created;
    };
    await using watching = startWatching({ source, store, origin });
    await turns(10);
    assert.deepEqual(source.calls, ["watch all from 5", "read", "read", "watch all", "read"]);
    source.current.give(batchOf([], { cursor: at(2), caughtUp: true }));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.equal(source.calls.at(-1), "adopt at none");
    assert.ok(source.watches[0]?.closed);
    assert.equal(store.size, 0);
  });

  test("of a bucket that is made again before it is watched is read anew, and the watch with it", async () => {
    const source = new ScriptedSource();
    const store = MemoryStore.of([put("a", 1)], at(5));
    const origin = originOf("tuesday");
    origin.stored = "monday";
    const read = origin.read.bind(origin);
    let reads = 0;
    origin.read = async () => {
      reads += 1;
      return { ...(await read()), created: reads < 3 ? "tuesday" : "wednesday" };
    };
    await using watching = startWatching({ source, store, origin });
    await turns(10);
    assert.equal(source.watches.length, 2);
    assert.ok(source.current.closed);
    watching.clock.advance(200);
    await turns(10);
    await bring(watching, [], { cursor: at(2), caughtUp: true });
    assert.equal(source.watches.length, 3);
    assert.equal(origin.stored, "wednesday");
    assert.equal(store.size, 0);
  });

  test("that cannot be noted is the store's failure, and is tried again without another watch", async () => {
    const source = new ScriptedSource();
    const store = MemoryStore.of([put("a", 1)], at(5));
    const origin = originOf("tuesday");
    origin.stored = "monday";
    const error = new Error("no space left on device");
    let failures = 2;
    origin.adopt = async (actual) => {
      failures -= 1;
      if (failures >= 0) throw error;
      origin.stored = actual.created;
    };
    await using watching = startWatching({ source, store, origin });
    await turns(10);
    source.current.give(batchOf([], { cursor: at(2), caughtUp: true }));
    await turns();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      watching.clock.advance(5000);
      await turns(10);
    }
    assert.deepEqual(watching.events.slice(0, 6), [
      { type: "watching", from: WatchCursor.none },
      { type: "repair-started", reason: "foreign-cursor" },
      { type: "store-failed", error, failures: 1 },
      { type: "store-failed", error, failures: 2 },
      { type: "store-recovered" },
      { type: "repair-finished", deleted: 1, changed: 0 },
    ]);
    assert.deepEqual(source.calls, ["watch all from 5", "watch all"]);
    assert.equal(origin.stored, "tuesday");
  });

  test("that can never be noted ends the watch after as many failures as the store may have", async () => {
    const origin = originOf("monday");
    const error = new Error("no space left on device");
    origin.adopt = () => Promise.reject(error);
    await using watching = startWatching({ origin, maxStoreFailures: 2 });
    await turns();
    watching.clock.advance(5000);
    await assert.rejects(watching.done, (thrown) => thrown === error);
    assert.ok(watching.source.current.closed);
  });

  test("that cannot be noted does not hold up a shutdown", async () => {
    const origin = originOf("monday");
    origin.adopt = () => Promise.reject(new Error("no space left on device"));
    await using watching = startWatching({ origin });
    await turns();
    assert.equal(watching.events.at(-1)?.type, "store-failed");
    assert.ok((await watching.stop()).isNone);
    assert.equal(watching.clock.waiting, 0);
  });
});
