import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError, MillpondError } from "../../src/errors/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { watchApplied } from "../../src/watch/index.js";
import { findVanished } from "../../src/watch/repair.js";
import { at, batchOf, put, ScriptedSource, told } from "../support/scripted-source.js";
import { MemoryStore } from "../support/memory-store.js";
import { startWatching, turns } from "../support/watching.js";

function expired(): MillpondError {
  return new MillpondError("cursor-expired", "what came after it is gone");
}

/** A store at position 5 with `a`, `b` and `c`, and a bucket that only has `b`. */
function outdated(): { source: ScriptedSource; store: MemoryStore } {
  const source = new ScriptedSource();
  source.liveKeys = ["b"];
  return { source, store: MemoryStore.of([put("a", 1), put("b", 2), put("c", 3)], at(5)) };
}

describe("a position that expired", () => {
  test("has the vanished keys deleted before the first re-listed put is applied", async () => {
    const { source, store } = outdated();
    source.setUpErrors.push(expired());
    await using watching = startWatching({
      source,
      store,
      apply: async (batch) => {
        watching.journal.push(`apply begins ${batch.map(told).join(", ")}`);
        await watching.gate.pass();
        watching.journal.push(`apply ${batch.map(told).join(", ")}`);
      },
    });
    await turns(10);
    source.current.give(batchOf([put("b", 9)]));
    for (const begun of ["delete a@?, delete c@?", "put b@9"]) {
      await turns(10);
      watching.clock.advance(10);
      await turns(10);
      assert.equal(watching.journal.at(-1), `apply begins ${begun}`);
      watching.gate.release();
    }
    await turns();
    assert.deepEqual(source.calls, ["watch all from 5", "watch all", 'list ""']);
    assert.deepEqual(watching.journal, [
      "store - → none",
      "applied none",
      "apply begins delete a@?, delete c@?",
      "apply delete a@?, delete c@?",
      "store delete a@?, delete c@? → none",
      "applied none",
      "apply begins put b@9",
      "apply put b@9",
      "store put b@9 → 9",
      "applied 9",
    ]);
    assert.deepEqual(
      watching.events.map(({ type }) => type),
      ["repair-started", "repair-finished", "watching", "progress"],
    );
  });

  test("is repaired as well when the watch says so later, after what it delivered is flushed", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store });
    await turns();
    source.current.give(batchOf([put("d", 6)]));
    source.current.fail(expired());
    await turns(10);
    assert.deepEqual(
      watching.journal.filter((line) => line.startsWith("apply ")),
      ["apply put d@6", "apply delete a@?, delete c@?, delete d@?"],
    );
    assert.ok(source.watches[0]?.closed);
  });

  test("is not half repaired by a listing that fails: nothing changes until one is complete", async () => {
    const { source, store } = outdated();
    source.liveKeys = ["a", "b"];
    source.setUpErrors.push(expired());
    source.listingErrors.push(new Error("line cut"));
    await using watching = startWatching({ source, store });
    await turns(10);
    assert.deepEqual(watching.journal, []);
    assert.equal(store.position.toU64(), 5n);
    assert.ok(source.current.closed);
    watching.clock.advance(5000);
    await turns(10);
    assert.deepEqual([...store.entries.keys()], ["a", "b"]);
    assert.deepEqual(source.calls, [
      "watch all from 5",
      "watch all",
      'list ""',
      "watch all",
      'list ""',
    ]);
  });

  test("without a reader ends the watch with cursor-expired", async () => {
    const { source, store } = outdated();
    source.setUpErrors.push(expired());
    await assert.rejects(
      watchApplied({ source, store, parse: (update) => update, apply: () => undefined }),
      (error) => isMillpondError(error, "cursor-expired"),
    );
    assert.equal(store.attempts, 0);
  });

  test("gives way to lower ones when the bucket was made again", async () => {
    const { source, store } = outdated();
    store.position = at(1_000_000);
    source.setUpErrors.push(expired());
    await using watching = startWatching({ source, store });
    await turns(10);
    source.current.give(batchOf([put("b", 1)]));
    await turns();
    assert.equal((await watching.stop()).toU64(), 1n);
    assert.equal(store.position.toU64(), 1n);
  });

  test("that expires again before the watch has caught up waits before the next repair", async () => {
    const { source, store } = outdated();
    source.setUpErrors.push(expired());
    await using watching = startWatching({ source, store });
    await turns(10);
    source.current.fail(expired());
    await turns(10);
    assert.equal(source.watches.length, 1);
    assert.equal(watching.events.at(-1)?.type, "retrying");
    watching.clock.advance(5000);
    await turns(10);
    assert.equal(source.watches.length, 2);
  });

  for (const [ms, repaired] of [
    [999, "after a wait"],
    [1000, "at once"],
  ] as const) {
    test(`that expires ${ms} ms after the watch caught up is repaired ${repaired}`, async () => {
      await using watching = startWatching();
      const { source, clock } = watching;
      await turns();
      source.current.give(batchOf([put("a", 1)], { caughtUp: true }));
      await turns();
      clock.advance(10);
      await turns();
      assert.equal(watching.events.at(-1)?.type, "caught-up");
      clock.advance(ms);
      source.current.fail(expired());
      await turns(10);
      assert.equal(source.watches.length, repaired === "at once" ? 2 : 1);
      clock.advance(150);
      await turns(10);
      assert.equal(source.watches.length, 2);
    });
  }

  test("is repaired also where all that is known is still to be taken by the store", async () => {
    const source = new ScriptedSource();
    const store = new MemoryStore();
    await using watching = startWatching({ source, store });
    await turns();
    store.error = new Error("no space left on device");
    source.current.give(batchOf([put("held", 6)]));
    source.current.fail(expired());
    await turns(10);
    store.error = undefined;
    watching.clock.advance(5000);
    await turns(10);
    assert.ok(watching.journal.includes("apply delete held@?"));
    assert.equal(store.size, 0);
  });

  test("has deleted what the store has not taken yet, once it takes it", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store });
    await turns();
    store.error = new Error("no space left on device");
    source.current.give(batchOf([put("held", 6)]));
    source.current.fail(expired());
    await turns(10);
    assert.equal(store.position.toU64(), 5n);
    store.error = undefined;
    watching.clock.advance(5000);
    await turns(10);
    assert.deepEqual([...store.entries.keys()], ["b"]);
    assert.ok(store.position.isNone);
  });
});

describe("a start without a position", () => {
  test("repairs first when the copy holds keys", async () => {
    const { source, store } = outdated();
    store.position = WatchCursor.none;
    await using watching = startWatching({ source, store });
    await turns(10);
    assert.deepEqual([...store.entries.keys()], ["b"]);
    assert.deepEqual(watching.events.slice(0, 2), [
      { type: "repair-started", reason: "no-cursor" },
      { type: "repair-finished", deleted: 2, changed: 0 },
    ]);
  });

  test("lists nothing when the copy is empty", async () => {
    await using watching = startWatching();
    await turns();
    assert.deepEqual(watching.source.calls, ["watch all"]);
    assert.deepEqual(watching.journal, []);
  });

  test("of a copy that holds keys, and without a reader, is refused", async () => {
    const { source, store } = outdated();
    store.position = WatchCursor.none;
    await assert.rejects(
      watchApplied({ source, store, parse: (update) => update, apply: () => undefined }),
      (error) => isMillpondError(error, "cursor-expired"),
    );
  });
});

describe("the keys that a repair compares", () => {
  test("are those of the store that are in scope", async () => {
    const { source, store } = outdated();
    source.setUpErrors.push(expired());
    await using _ = startWatching({ source, store, scope: { kind: "prefix", prefix: "a" } });
    await turns(10);
    assert.deepEqual([...store.entries.keys()], ["b", "c"]);
    assert.deepEqual(source.calls.at(-1), 'list "a"');
  });

  test("can be the caller's own, and then are compared with all that is listed in scope", async () => {
    const { source, store } = outdated();
    source.setUpErrors.push(expired());
    await using watching = startWatching({
      source,
      store,
      scope: { kind: "prefixes", prefixes: ["b", "x"] },
      knownKeys: () => ["a", "b", "c", "mine"],
    });
    await turns(10);
    assert.ok(watching.journal.includes("apply delete a@?, delete c@?, delete mine@?"));
    assert.deepEqual(source.calls.slice(-2), ['list "b"', 'list "x"']);
  });
});

describe("the comparison of a repair", () => {
  test("of many keys lets other work have its turn, and gives each vanished key once", async () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `k.${index}`);
    const live = new Set(keys.slice(10));
    let others = 0;
    let timer = setImmediate(function again() {
      others += 1;
      timer = setImmediate(again);
    });
    const vanished = await findVanished([...keys, ...keys], live);
    clearImmediate(timer);
    assert.deepEqual(vanished, keys.slice(0, 10));
    assert.ok(others >= 5, `${others} turns`);
  });
});
