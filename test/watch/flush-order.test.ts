import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { VersionToken, WatchCursor } from "../../src/values/index.js";
import { watchApplied } from "../../src/watch/index.js";
import { at, batchOf, put, removal, ScriptedSource } from "../support/scripted-source.js";
import { startWatching, turns } from "../support/watching.js";

describe("a flush", () => {
  test("applies to completion, then stores the raw batch with its cursor, then reports it", async () => {
    await using watching = startWatching({
      apply: async () => {
        watching.journal.push("apply begins");
        await watching.gate.pass();
        watching.journal.push("apply ends");
      },
    });
    await turns();
    watching.source.current.give(batchOf([put("a", 1), removal("b", 2)]));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.deepEqual(watching.journal, ["apply begins"]);
    watching.gate.release();
    await turns();
    assert.deepEqual(watching.journal, [
      "apply begins",
      "apply ends",
      "store put a@1, delete b@2 → 2",
      "applied 2",
    ]);
  });

  test("moves the cursor over updates that parse turned down, and stores them", async () => {
    await using watching = startWatching({
      parse: (update) => (update.key === "bad" ? undefined : update),
    });
    await turns();
    watching.source.current.give(batchOf([put("good", 1), put("bad", 2)], { cursor: at(2) }));
    watching.source.current.give(batchOf([put("bad", 3)]));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.deepEqual(watching.journal, [
      "apply put good@1",
      "store put good@1, put bad@2, put bad@3 → 3",
      "applied 3",
    ]);
  });

  test("neither mints nor clobbers a position from an unknown version", async () => {
    await using watching = startWatching();
    const unknown = { ...put("x", 9), version: VersionToken.unknown };
    await turns();
    watching.source.current.give(batchOf([unknown], { cursor: WatchCursor.none }));
    await turns();
    watching.clock.advance(10);
    await turns();
    watching.source.current.give(batchOf([put("a", 4)], { cursor: WatchCursor.none }));
    watching.source.current.give(batchOf([unknown], { cursor: WatchCursor.none }));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.deepEqual(
      watching.journal.filter((line) => line.startsWith("store")),
      ["store put x@? → none", "store put a@4, put x@? → 4"],
    );
  });

  test("takes the source's bookmark only once all updates of its batch are flushed", async () => {
    await using watching = startWatching({ batch: { maxUpdates: 2 } });
    await turns();
    const updates = [put("a", 1), put("b", 2), put("c", 3)];
    watching.source.current.give(batchOf(updates, { cursor: at(50) }));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.deepEqual(
      watching.journal.filter((line) => line.startsWith("applied")),
      ["applied 2", "applied 50"],
    );
  });

  test("does not call apply for a batch of which parse let nothing through", async () => {
    await using watching = startWatching({ parse: () => undefined });
    await turns();
    watching.source.current.give(batchOf([put("a", 1)]));
    await turns();
    watching.clock.advance(10);
    await turns();
    assert.deepEqual(watching.journal, ["store put a@1 → 1", "applied 1"]);
  });

  test("checkpoints nothing of a batch whose apply throws, and ends the watch with that error", async () => {
    const broken = new Error("apply is broken");
    await using watching = startWatching({
      apply: (batch) => {
        if (batch.some(({ key }) => key === "b")) throw broken;
      },
      batch: { maxUpdates: 1 },
    });
    await turns();
    watching.source.current.give(batchOf([put("a", 1), put("b", 2)]));
    await assert.rejects(watching.done, (error) => error === broken);
    assert.equal(watching.store.position.toU64(), 1n);
    assert.ok(watching.source.current.closed);
  });

  test("ends the watch with what parse throws", async () => {
    const broken = new Error("parse is broken");
    await using watching = startWatching({
      parse: () => {
        throw broken;
      },
    });
    await turns();
    watching.source.current.give(batchOf([put("a", 1)]));
    await assert.rejects(watching.done, (error) => error === broken);
    assert.equal(watching.store.attempts, 0);
  });

  test("ends the watch with what onApplied throws", async () => {
    const broken = new Error("onApplied is broken");
    await using watching = startWatching({
      onApplied: () => {
        throw broken;
      },
    });
    await turns();
    watching.source.current.give(batchOf([put("a", 1)]));
    await turns();
    watching.clock.advance(10);
    await assert.rejects(watching.done, (error) => error === broken);
  });

  test("without a store reports what was applied, and returns it", async () => {
    const source = new ScriptedSource();
    const controller = new AbortController();
    const reported: (bigint | undefined)[] = [];
    const done = watchApplied({
      source,
      resume: at(7),
      parse: (update) => update,
      apply: () => undefined,
      onApplied: (cursor) => void reported.push(cursor.toU64()),
      signal: controller.signal,
    });
    await turns();
    source.current.give(batchOf([put("a", 8)]));
    await turns();
    controller.abort();
    assert.equal((await done).toU64(), 8n);
    assert.deepEqual(reported, [8n]);
    assert.deepEqual(source.calls, ["watch all from 7"]);
  });
});
