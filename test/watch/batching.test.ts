import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { watchApplied } from "../../src/watch/index.js";
import { at, batchOf, put, ScriptedSource } from "../support/scripted-source.js";
import { startWatching, turns } from "../support/watching.js";

function applied(journal: readonly string[]): string[] {
  return journal.filter((line) => line.startsWith("apply"));
}

function numbered(count: number, first = 1): ReturnType<typeof put>[] {
  return Array.from({ length: count }, (_, index) => put("k", first + index));
}

describe("a batch", () => {
  test("closes when the window that its first update armed has elapsed", async () => {
    await using watching = startWatching({ batch: { windowMs: 20 } });
    await turns();
    watching.source.current.give(batchOf([put("a", 1)]));
    await turns();
    watching.clock.advance(15);
    watching.source.current.give(batchOf([put("b", 2)]));
    await turns();
    assert.deepEqual(watching.journal, []);
    watching.clock.advance(5);
    await turns();
    assert.deepEqual(applied(watching.journal), ["apply put a@1, put b@2"]);
  });

  test("has its window armed by an update that parse turns down", async () => {
    await using watching = startWatching({ parse: () => undefined });
    await turns();
    watching.source.current.give(batchOf([put("a", 1)]));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.equal(watching.store.position.toU64(), 1n);
  });

  test("closes at once when it is full, and the rest begins the next one", async () => {
    await using watching = startWatching({ batch: { maxUpdates: 2 } });
    await turns();
    watching.source.current.give(batchOf(numbered(5)));
    await turns();
    assert.deepEqual(applied(watching.journal), [
      "apply put k@1, put k@2",
      "apply put k@3, put k@4",
    ]);
    watching.clock.advance(10);
    await turns();
    assert.equal(watching.store.position.toU64(), 5n);
  });

  test("closes at the raw limit when parse turns most of it down", async () => {
    await using watching = startWatching({
      parse: () => undefined,
      batch: { maxUpdates: 2, queueCapacity: 3 },
    });
    await turns();
    watching.source.current.give(batchOf(numbered(7)));
    await turns();
    assert.deepEqual(
      watching.store.writes.map(({ updates }) => updates.length),
      [3, 3],
    );
  });

  test("without updates moves the cursor, at most once a window", async () => {
    await using watching = startWatching();
    await turns();
    for (let revision = 1; revision <= 50; revision += 1) {
      watching.source.current.give(batchOf([], { cursor: at(revision) }));
    }
    await turns(60);
    assert.equal(watching.store.attempts, 0);
    watching.clock.advance(10);
    await turns();
    assert.deepEqual(watching.journal, ["store - → 50", "applied 50"]);
  });

  test("that brings neither updates nor a new position writes nothing, but is told of", async () => {
    await using watching = startWatching();
    await turns();
    watching.source.current.give(batchOf([], { pending: 0, caughtUp: true }));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.deepEqual(watching.journal, []);
    assert.deepEqual(
      watching.events.map(({ type }) => type),
      ["watching", "progress", "caught-up"],
    );
  });

  test("never asks the source for more while as many updates as the queue holds are waiting", async () => {
    await using watching = startWatching({
      batch: { maxUpdates: 1, queueCapacity: 4 },
      // Not done until told: nothing leaves the queue but the batch under way.
      apply: () => watching.gate.pass(),
    });
    await turns();
    const { current } = watching.source;
    for (let first = 1; first < 100; first += 2) current.give(batchOf(numbered(2, first)));
    await turns(20);
    // One update is being applied; 3 + 2 wait: the second request found 1, the third 3, and then it was full.
    assert.equal(current.asked, 3);
  });

  test("never asks the source for more while as many bytes as the queue holds are waiting", async () => {
    await using watching = startWatching({
      batch: { maxUpdates: 1, queueCapacity: 1000, maxBytes: 100 },
      apply: () => watching.gate.pass(),
    });
    await turns();
    const { current } = watching.source;
    for (let revision = 1; revision < 100; revision += 1) {
      current.give(batchOf([put("a", revision, "x".repeat(39))]));
    }
    await turns(20);
    // One update of 40 bytes is being applied; three wait: the fourth request found 80 bytes.
    assert.equal(current.asked, 4);
  });

  test("that was taken makes room again", async () => {
    await using watching = startWatching({
      batch: { maxUpdates: 4, queueCapacity: 4 },
      apply: () => watching.gate.pass(),
    });
    await turns();
    const { current } = watching.source;
    for (let first = 1; first < 100; first += 4) current.give(batchOf(numbered(4, first)));
    await turns(20);
    const before = current.asked;
    watching.gate.release();
    await turns(20);
    assert.equal(current.asked, before + 1);
  });

  test("does not grow without bound on bookmarks while apply is busy", async () => {
    await using watching = startWatching({
      batch: { maxUpdates: 1 },
      apply: () => watching.gate.pass(),
    });
    await turns();
    const { current } = watching.source;
    current.give(batchOf([put("a", 1)]));
    await turns();
    for (let revision = 2; revision < 500; revision += 1) {
      current.give(batchOf([], { cursor: at(revision) }));
    }
    await turns(50);
    watching.gate.release();
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.deepEqual(
      watching.store.writes.map(({ cursor }) => cursor.toU64()),
      [1n, 499n],
    );
  });
});

describe("the options of a watch", () => {
  const refused: readonly [string, Parameters<typeof startWatching>[0]][] = [
    ["a window of more than a minute", { batch: { windowMs: 60_001 } }],
    ["a window that is not whole", { batch: { windowMs: 0.5 } }],
    ["batches of nothing", { batch: { maxUpdates: 0 } }],
    ["a queue for nothing", { batch: { queueCapacity: 0 } }],
    ["waits that shrink", { retry: { minMs: 100, maxMs: 99 } }],
    ["no store failure at all", { maxStoreFailures: 0 }],
    ["audits without a pause", { auditIntervalMs: 999 }],
    ["nothing held", { held: { maxBytes: 0 } }],
  ];
  for (const [what, options] of refused) {
    test(`refuse ${what}`, async () => {
      await using watching = startWatching(options);
      await assert.rejects(watching.done, (error) => isMillpondError(error, "invalid-argument"));
      assert.deepEqual(watching.source.calls, []);
    });
  }

  test("refuse an auditor without a store to compare with", async () => {
    const source = new ScriptedSource();
    await assert.rejects(
      watchApplied({ source, auditor: source, parse: (update) => update, apply: () => undefined }),
      (error) => isMillpondError(error, "invalid-argument"),
    );
  });
});
