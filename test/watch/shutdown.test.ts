import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { watchApplied } from "../../src/watch/index.js";
import { at, batchOf, put, ScriptedSource } from "../support/scripted-source.js";
import { startWatching, turns } from "../support/watching.js";

describe("an abort", () => {
  test("flushes the open batch and resolves with the last cursor", async () => {
    await using watching = startWatching();
    await turns();
    watching.source.current.give(batchOf([put("a", 1)]));
    await turns();
    assert.deepEqual(watching.journal, []);
    const cursor = await watching.stop();
    assert.equal(cursor.toU64(), 1n);
    assert.deepEqual(watching.journal, ["apply put a@1", "store put a@1 → 1", "applied 1"]);
    assert.ok(watching.source.current.closed);
  });

  test("leaves what is still queued to be delivered next time", async () => {
    await using watching = startWatching({
      batch: { maxUpdates: 1 },
      apply: () => watching.gate.pass(),
    });
    await turns();
    watching.source.current.give(batchOf([put("a", 1), put("b", 2), put("c", 3)]));
    await turns();
    const stopped = watching.stop();
    watching.gate.release();
    assert.equal((await stopped).toU64(), 1n);
    assert.equal(watching.store.writes.length, 1);
  });

  test("before the start asks nothing of the source", async () => {
    const source = new ScriptedSource();
    const cursor = await watchApplied({
      source,
      resume: at(5),
      parse: (update) => update,
      apply: () => undefined,
      signal: AbortSignal.abort(),
    });
    assert.equal(cursor.toU64(), 5n);
    assert.deepEqual(source.calls, []);
  });

  test("does not wait for a source that hangs while it sets up", async () => {
    const source = new ScriptedSource();
    const controller = new AbortController();
    source.watch = () => new Promise(() => undefined);
    const done = watchApplied({
      source,
      parse: (update) => update,
      apply: () => undefined,
      signal: controller.signal,
    });
    await turns();
    controller.abort();
    assert.ok((await done).isNone);
  });

  test("ends a wait between attempts", async () => {
    await using watching = startWatching();
    await turns();
    watching.source.current.fail(new Error("line cut"));
    await turns();
    assert.ok((await watching.stop()).isNone);
    assert.equal(watching.clock.waiting, 0);
  });
});

describe("a watch that ends by itself", () => {
  test("is flushed without waiting for the window, and set up again after its last update", async () => {
    await using watching = startWatching();
    await turns();
    watching.source.current.give(batchOf([put("a", 1)]));
    watching.source.current.end();
    await turns();
    assert.equal(watching.store.position.toU64(), 1n);
    watching.clock.advance(5000);
    await turns();
    assert.deepEqual(watching.source.calls, ["watch all", "watch all from 1"]);
  });
});
