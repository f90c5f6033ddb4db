import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError, MillpondError } from "../../src/errors/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { watchApplied, type WatchEvent } from "../../src/watch/index.js";
import { at, batchOf, put, removal, ScriptedSource } from "../support/scripted-source.js";
import { MemoryStore } from "../support/memory-store.js";
import { bring, startWatching, turns, type Watching } from "../support/watching.js";

function expired(): MillpondError {
  return new MillpondError("cursor-expired", "what came after it is gone");
}

/** A store at position 5 with `a`, `b` and `c`, and a bucket that has dropped what came after that. */
function outdated(): { source: ScriptedSource; store: MemoryStore } {
  const source = new ScriptedSource();
  source.setUpErrors.push(expired());
  return { source, store: MemoryStore.of([put("a", 1), put("b", 2), put("c", 3)], at(5)) };
}

function types(watching: Watching): WatchEvent["type"][] {
  return watching.events.map(({ type }) => type);
}

describe("a position that expired", () => {
  test("has the copy made equal to the bucket by one batch and one write, with the position", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store });
    await bring(watching, [put("b", 2)]);
    await bring(watching, [put("d", 8)]);
    assert.deepEqual(watching.journal, ["store - → none", "applied none"]);
    assert.deepEqual([...store.entries.keys()], ["a", "b", "c"]);
    await bring(watching, [put("c", 9)], { caughtUp: true });
    assert.deepEqual(source.calls, ["watch all from 5", "watch all"]);
    assert.deepEqual(watching.journal.slice(2), [
      "apply put d@8, put c@9, delete a@?",
      "store put d@8, put c@9, delete a@? → 9",
      "applied 9",
    ]);
    assert.deepEqual(types(watching), [
      "watching",
      "repair-started",
      "progress",
      "progress",
      "repair-finished",
      "progress",
      "caught-up",
    ]);
    assert.deepEqual(watching.events[4], { type: "repair-finished", deleted: 1, changed: 2 });
  });

  test("tells a removal that it makes up as vanished", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store });
    await bring(watching, [put("b", 2), put("c", 3)], { caughtUp: true });
    const [removed] = store.writes.at(-1)?.updates ?? [];
    assert.ok(removed !== undefined && removed.kind !== "put");
    assert.equal(removed.reason, "vanished");
  });

  test("leaves out what the copy has already", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store });
    await bring(watching, [put("a", 1), put("b", 2), put("c", 3)], {
      cursor: at(7),
      caughtUp: true,
    });
    assert.deepEqual(watching.journal.slice(2), ["store - → 7", "applied 7"]);
  });

  test("applies what has the version of the copy's entry and another value", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store });
    await bring(watching, [put("a", 1), put("b", 2, "another"), put("c", 3)], { caughtUp: true });
    assert.deepEqual(watching.journal.slice(2, 3), ["apply put b@2"]);
  });

  test("is applied in the end also where the same version comes after another one of its key", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store, held: { maxUpdates: 1 } });
    await bring(watching, [put("b", 1), put("x", 1), put("y", 1), put("b", 2)], { caughtUp: true });
    assert.equal(store.entries.get("b")?.version.toU64(), 2n);
  });

  test("takes a removal that is delivered as a mark, and tells it once", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store });
    await bring(watching, [put("b", 2), removal("c", 7), removal("gone", 8), put("a", 9)], {
      caughtUp: true,
    });
    assert.deepEqual(watching.journal.slice(2, 3), ["apply delete c@7, put a@9"]);
    assert.deepEqual(watching.events.at(-3), { type: "repair-finished", deleted: 0, changed: 2 });
  });

  test("shows a larger difference key by key, each from its old to its new value, the removals last", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store, held: { maxUpdates: 2 } });
    await bring(watching, [put("b", 6)]);
    await bring(watching, [put("d", 7), put("e", 8)]);
    assert.deepEqual([...store.entries.keys()].toSorted(), ["a", "b", "c", "d", "e"]);
    await bring(watching, [put("f", 9)], { caughtUp: true });
    assert.deepEqual(
      watching.journal.filter((line) => !line.startsWith("apply")),
      [
        "store - → none",
        "applied none",
        "store put b@6, put d@7, put e@8 → none",
        "applied none",
        "store put f@9 → none",
        "applied none",
        "store delete a@?, delete c@? → none",
        "applied none",
        "store - → 9",
        "applied 9",
      ],
    );
  });

  test("does not come back with a removal that was under way when it was withdrawn", async () => {
    const store = MemoryStore.of([put("a", 1), put("b", 2)], at(5));
    await using watching = startWatching({
      store,
      apply: async () => {
        await watching.gate.pass();
      },
    });
    await turns();
    const removing = watching.watch.remove([put("a", 1)], "expired");
    await turns();
    watching.source.current.fail(expired());
    await turns(10);
    watching.gate.release();
    assert.equal(await removing, 1);
    await turns(10);
    assert.deepEqual(types(watching), ["watching", "watching", "repair-started"]);
    assert.ok(store.position.isNone);
    assert.deepEqual([...store.entries.keys()], ["b"]);
  });

  test("is repaired as well when the watch says so later, after what it delivered is flushed", async () => {
    const { source, store } = outdated();
    source.setUpErrors.length = 0;
    await using watching = startWatching({ source, store });
    await turns();
    source.current.give(batchOf([put("d", 6)]));
    source.current.fail(expired());
    await bring(watching, [put("b", 2)], { cursor: at(9), caughtUp: true });
    assert.deepEqual(
      watching.journal.filter((line) => line.startsWith("apply ")),
      ["apply put d@6", "apply delete a@?, delete c@?, delete d@?"],
    );
    assert.ok(source.watches[0]?.closed);
  });

  test("is repaired from the beginning where the repair was interrupted, and has shown nothing by then", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store });
    await bring(watching, [put("b", 9)]);
    source.current.fail(new Error("line cut"));
    await turns(10);
    assert.deepEqual(
      [...store.entries.values()].map(({ version }) => version.toU64()),
      [1n, 2n, 3n],
    );
    watching.clock.advance(5000);
    await bring(watching, [put("b", 9), put("c", 3)], { caughtUp: true });
    assert.deepEqual([...store.entries.keys()].toSorted(), ["b", "c"]);
    assert.deepEqual(source.calls, ["watch all from 5", "watch all", "watch all"]);
  });

  test("without a store or keys ends the watch with cursor-expired", async () => {
    const source = new ScriptedSource();
    source.setUpErrors.push(expired());
    await assert.rejects(
      watchApplied({ source, resume: at(5), parse: (update) => update, apply: () => undefined }),
      (error) => isMillpondError(error, "cursor-expired"),
    );
  });

  test("gives way to lower ones when the bucket was made again", async () => {
    const { source, store } = outdated();
    store.position = at(1_000_000);
    await using watching = startWatching({ source, store });
    await bring(watching, [put("b", 1)], { caughtUp: true });
    assert.equal((await watching.stop()).toU64(), 1n);
    assert.equal(store.position.toU64(), 1n);
  });

  test("that expires again before the watch has caught up waits before the next repair", async () => {
    const { source, store } = outdated();
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

  test("has deleted what the store has not taken yet, once it takes it", async () => {
    const { source, store } = outdated();
    source.setUpErrors.length = 0;
    await using watching = startWatching({ source, store });
    await turns();
    store.error = new Error("no space left on device");
    source.current.give(batchOf([put("held", 6)]));
    source.current.fail(expired());
    await turns(10);
    assert.equal(store.position.toU64(), 5n);
    store.error = undefined;
    watching.clock.advance(5000);
    await bring(watching, [put("b", 2)], { caughtUp: true });
    assert.deepEqual([...store.entries.keys()], ["b"]);
  });

  test("is repaired over a store that fails: it gets the whole as one, with the position", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store, held: { maxUpdates: 10 } });
    await turns(10);
    store.error = new Error("no space left on device");
    await bring(watching, [put("b", 6)], { caughtUp: true });
    assert.ok(store.position.isNone);
    assert.equal(watching.events.at(-1)?.type, "caught-up");
    store.error = undefined;
    watching.clock.advance(5000);
    await turns(10);
    assert.deepEqual(store.writes.at(-1)?.updates.length, 3);
    assert.equal(store.position.toU64(), 6n);
  });
});

describe("a start without a position", () => {
  test("repairs when the copy holds keys", async () => {
    const { source, store } = outdated();
    source.setUpErrors.length = 0;
    store.position = WatchCursor.none;
    await using watching = startWatching({ source, store });
    await bring(watching, [put("b", 2)], { caughtUp: true });
    assert.deepEqual([...store.entries.keys()], ["b"]);
    assert.deepEqual(watching.events[1], { type: "repair-started", reason: "no-cursor" });
  });

  test("takes positions along the way when the copy is empty", async () => {
    await using watching = startWatching();
    await bring(watching, [put("a", 3)]);
    assert.deepEqual(watching.source.calls, ["watch all"]);
    assert.deepEqual(watching.journal, ["apply put a@3", "store put a@3 → 3", "applied 3"]);
  });
});

describe("the keys that a repair compares", () => {
  test("are those of the store that are in scope", async () => {
    const { source, store } = outdated();
    const scope = { kind: "prefix", prefix: "a" } as const;
    await using watching = startWatching({ source, store, scope });
    await bring(watching, [], { cursor: at(9), caughtUp: true });
    assert.deepEqual([...store.entries.keys()], ["b", "c"]);
  });

  test("can be the caller's own, and then all that do not come are dropped", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({
      source,
      store,
      scope: { kind: "prefixes", prefixes: ["b", "x"] },
      knownKeys: () => ["a", "b", "c", "mine"],
    });
    await bring(watching, [put("b", 2)], { caughtUp: true });
    assert.ok(watching.journal.includes("apply delete a@?, delete c@?, delete mine@?"));
  });

  test("can be the caller's own, and one that only these name goes also by the bucket's own removal", async () => {
    const { source, store } = outdated();
    await using watching = startWatching({ source, store, knownKeys: () => ["a", "b", "mine"] });
    await bring(watching, [put("b", 2), removal("mine", 7)], { caughtUp: true });
    assert.ok(watching.journal.includes("apply delete mine@7, delete a@?"));
  });

  test("can be those of the caller's own state, without a store", async () => {
    const source = new ScriptedSource();
    source.setUpErrors.push(expired());
    const state = new Set(["a", "b"]);
    const controller = new AbortController();
    const done = watchApplied({
      source,
      resume: at(5),
      knownKeys: () => state,
      parse: (update) => update,
      apply: (batch) => {
        for (const { kind, key } of batch) {
          if (kind === "put") state.add(key);
          else state.delete(key);
        }
      },
      batch: { windowMs: 0 },
      signal: controller.signal,
    });
    await turns(10);
    source.current.give(batchOf([put("b", 2), put("c", 7)], { caughtUp: true }));
    await turns(10);
    controller.abort();
    assert.equal((await done).toU64(), 7n);
    assert.deepEqual([...state], ["b", "c"]);
  });
});

describe("the sweep of a repair", () => {
  test("of many keys lets other work have its turn", async () => {
    const { source } = outdated();
    const keys = Array.from({ length: 50_000 }, (_, index) => put(`k.${index}`, index + 1));
    const store = MemoryStore.of(keys, at(60_000));
    await using watching = startWatching({ source, store });
    await turns(10);
    let others = 0;
    let timer = setImmediate(function again() {
      others += 1;
      timer = setImmediate(again);
    });
    source.current.give(batchOf([put("new", 70_000)], { caughtUp: true }));
    await turns();
    watching.clock.advance(10);
    while (store.size > 1) await turns();
    clearImmediate(timer);
    assert.ok(others >= 10, `${others} turns`);
    assert.deepEqual([...store.entries.keys()], ["new"]);
  });
});
