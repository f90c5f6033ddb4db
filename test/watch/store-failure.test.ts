import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MillpondError } from "../../src/errors/index.js";
import { MemoryStore } from "../support/memory-store.js";
import { at, batchOf, put } from "../support/scripted-source.js";
import { startWatching, turns, type Watching } from "../support/watching.js";

const full = new Error("no space left on device");

async function deliver(watching: Watching, ...updates: ReturnType<typeof put>[]): Promise<void> {
  watching.source.current.give(batchOf(updates));
  await turns();
  watching.clock.advance(10);
  await turns();
}

describe("a store that fails", () => {
  test("holds back the cursor, not the updates", async () => {
    await using watching = startWatching();
    await turns();
    await deliver(watching, put("a", 1));
    watching.store.error = full;
    await deliver(watching, put("b", 2));
    await deliver(watching, put("c", 3));
    assert.deepEqual(
      watching.journal.filter((line) => !line.startsWith("store")),
      ["apply put a@1", "applied 1", "apply put b@2", "apply put c@3"],
    );
  });

  test("is given what it refused in front of what came after, as one batch with the last cursor", async () => {
    await using watching = startWatching();
    await turns();
    watching.store.error = full;
    await deliver(watching, put("a", 1));
    await deliver(watching, put("b", 2), put("a", 3));
    watching.store.error = undefined;
    watching.clock.advance(200);
    await turns();
    assert.deepEqual(watching.store.writes, [
      { updates: [put("a", 1), put("b", 2), put("a", 3)], cursor: at(3) },
    ]);
    assert.equal(watching.journal.at(-1), "applied 3");
    assert.deepEqual(
      watching.events.map(({ type }) => type).filter((type) => type.startsWith("store")),
      ["store-failed", "store-recovered"],
    );
  });

  test("is tried again without new updates, after waits that grow, and not at each flush", async () => {
    await using watching = startWatching({ retry: { minMs: 100, maxMs: 5000 } });
    await turns();
    watching.store.error = full;
    await deliver(watching, put("a", 1));
    for (let revision = 2; revision < 7; revision += 1) await deliver(watching, put("a", revision));
    assert.equal(watching.store.attempts, 1);
    // The middle of 100 to 200, then of 100 to 400; 50 ms have passed.
    watching.clock.advance(100);
    await turns();
    assert.equal(watching.store.attempts, 2);
    watching.clock.advance(249);
    await turns();
    assert.equal(watching.store.attempts, 2);
    watching.clock.advance(1);
    await turns();
    assert.equal(watching.store.attempts, 3);
  });

  test("ends the watch with its error after 16 failures in a row", async () => {
    await using watching = startWatching();
    await turns();
    watching.store.error = full;
    await deliver(watching, put("a", 1));
    for (let attempt = 2; attempt <= 16; attempt += 1) {
      assert.equal(watching.store.attempts, attempt - 1);
      watching.clock.advance(5000);
      await turns();
    }
    await assert.rejects(watching.done, (error) => error === full);
    assert.equal(watching.store.attempts, 16);
    assert.ok(watching.source.current.closed);
  });

  for (const code of ["invalid-format", "invalid-argument"] as const) {
    test(`ends the watch at once with ${code}, which no retry mends`, async () => {
      await using watching = startWatching({ maxStoreFailures: Infinity });
      await turns();
      const error = new MillpondError(code, "no store can hold this");
      watching.store.error = error;
      await deliver(watching, put("a", 1));
      await assert.rejects(watching.done, (thrown) => thrown === error);
      assert.equal(watching.store.attempts, 1);
      assert.ok(watching.source.current.closed);
    });
  }

  test("counts failures in a row only", async () => {
    await using watching = startWatching({ maxStoreFailures: 2 });
    await turns();
    for (let revision = 1; revision < 5; revision += 1) {
      watching.store.error = full;
      await deliver(watching, put("a", revision));
      watching.store.error = undefined;
      watching.clock.advance(5000);
      await turns();
    }
    assert.equal(watching.store.position.toU64(), 4n);
  });

  test("stops the flow once what is held passes its limit, and lets it go on afterwards", async () => {
    await using watching = startWatching({
      batch: { maxUpdates: 1, queueCapacity: 1 },
      held: { maxUpdates: 3 },
      maxStoreFailures: Infinity,
    });
    await turns();
    watching.store.error = full;
    const { current } = watching.source;
    for (let revision = 1; revision <= 50; revision += 1)
      current.give(batchOf([put("a", revision)]));
    await turns(200);
    // Four are held (the limit, and the batch that passed it) and one waits in the queue.
    assert.equal(watching.journal.filter((line) => line.startsWith("apply")).length, 4);
    assert.equal(current.asked, 5);
    watching.store.error = undefined;
    watching.clock.advance(5000);
    await turns(200);
    watching.clock.advance(10);
    await turns();
    assert.equal(watching.store.position.toU64(), 50n);
    assert.deepEqual(
      watching.events.map(({ type }) => type).filter((type) => type.startsWith("store")),
      ["store-failed", "store-blocking", "store-recovered", "store-unblocked"],
    );
  });

  test("stops the flow by bytes held as well", async () => {
    await using watching = startWatching({
      batch: { maxUpdates: 1, queueCapacity: 1 },
      held: { maxBytes: 100 },
    });
    await turns();
    watching.store.error = full;
    for (let revision = 1; revision <= 9; revision += 1) {
      watching.source.current.give(batchOf([put("a", revision, "v".repeat(49))]));
    }
    await turns(100);
    assert.equal(watching.journal.filter((line) => line.startsWith("apply")).length, 3);
  });

  test("does not hold up a shutdown, and is asked once more by it", async () => {
    await using watching = startWatching({ held: { maxUpdates: 1 }, batch: { maxUpdates: 1 } });
    await turns();
    watching.store.error = full;
    watching.source.current.give(batchOf([put("a", 1), put("a", 2), put("a", 3)]));
    await turns();
    watching.store.error = undefined;
    assert.equal((await watching.stop()).toU64(), 2n);
    assert.equal(watching.store.position.toU64(), 2n);
  });

  test("that still fails at the shutdown leaves the cursor where the store is", async () => {
    await using watching = startWatching();
    await turns();
    await deliver(watching, put("a", 1));
    watching.store.error = full;
    await deliver(watching, put("a", 2));
    assert.equal((await watching.stop()).toU64(), 1n);
  });

  test("does not make the source deliver twice what is held when the watch has to be set up again", async () => {
    await using watching = startWatching();
    await turns();
    watching.store.error = full;
    await deliver(watching, put("a", 1));
    watching.source.current.fail(new Error("line cut"));
    await turns();
    watching.store.error = undefined;
    watching.clock.advance(5000);
    await turns();
    assert.deepEqual(watching.source.calls, ["watch all", "watch all from 1"]);
    assert.equal(watching.store.position.toU64(), 1n);
  });

  test("that takes its time has reported what it took, and no more", async () => {
    await using watching = await withSlowRetry();
    await deliver(watching, put("b", 2));
    watching.journal.length = 0;
    watching.gate.release();
    await turns();
    assert.deepEqual(watching.journal, ["applied 1", "store put b@2 → 2"]);
    watching.gate.release();
    await turns();
    assert.equal(watching.journal.at(-1), "applied 2");
  });

  test("that takes its time and fails is given what came meanwhile behind what it refused", async () => {
    await using watching = await withSlowRetry();
    await deliver(watching, put("b", 2));
    watching.journal.length = 0;
    watching.gate.release(full);
    await turns();
    watching.clock.advance(5000);
    await turns();
    assert.deepEqual(watching.journal, ["store put a@1, put b@2 → 2"]);
    watching.gate.release();
    await turns();
  });
});

/** A watch whose store fails, whose position has expired, and which more is to be removed of than may be held. */
async function withdrawing(): Promise<Watching> {
  const entries = [put("a", 1), put("b", 2), put("c", 3)];
  const watching = startWatching({
    store: MemoryStore.of(entries, at(3)),
    held: { maxUpdates: 1 },
    maxStoreFailures: Infinity,
  });
  await turns();
  watching.store.error = full;
  await deliver(watching, put("a", 4));
  watching.source.current.fail(new MillpondError("cursor-expired", "what came after it is gone"));
  await turns();
  void watching.watch.remove(entries, "expired").catch(() => undefined);
  await turns();
  return watching;
}

describe("a store that fails while a position is withdrawn and entries are removed", () => {
  test("lets both go on once it works", async () => {
    await using watching = await withdrawing();
    assert.deepEqual(watching.source.calls, ["watch all from 3", "watch all"]);
    watching.store.error = undefined;
    watching.clock.advance(5000);
    await turns(20);
    assert.ok(watching.events.some(({ type }) => type === "repair-started"));
    assert.deepEqual([...watching.store.entries.keys()], ["a"]);
    assert.ok(watching.store.position.isNone);
  });

  test("holds up no shutdown", async () => {
    const watching = await withdrawing();
    let hasEnded = false;
    void watching.stop().finally(() => (hasEnded = true));
    await turns(20);
    assert.ok(hasEnded);
  });
});

/** A watch whose store has refused `a@1` once, and is now thinking about it until the gate gives its answer. */
async function withSlowRetry(): Promise<Watching> {
  const store = new MemoryStore();
  const take = store.apply.bind(store);
  let slow = false;
  store.apply = async (updates, cursor) => {
    if (!slow) throw full;
    await watching.gate.pass();
    await take(updates, cursor);
  };
  const watching = startWatching({ store });
  await turns();
  await deliver(watching, put("a", 1));
  slow = true;
  watching.clock.advance(5000);
  await turns();
  return watching;
}
