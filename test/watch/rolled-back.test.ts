import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import type { CursorOrigin } from "../../src/watch/index.js";
import { copy, origin, revisions, uncounted } from "../support/auditing.js";
import { at, put, ScriptedSource } from "../support/scripted-source.js";
import { MemoryStore } from "../support/memory-store.js";
import { bring, startWatching, turns } from "../support/watching.js";

const NS = 1_000_000n;

function copyAt(timeMs: number): MemoryStore {
  const store = MemoryStore.of([put("a", 1)], at(5));
  store.timeNs = BigInt(timeMs) * NS + 123n;
  return store;
}

describe("the time of a position", () => {
  test("is kept with it, as the source tells it or as the update at it has it", async () => {
    await using watching = startWatching();
    await bring(watching, [{ ...put("a", 3), timeMs: 1000 }], { cursorTimeNs: 1_000_000_077n });
    assert.equal(watching.store.timeNs, 1_000_000_077n);
    await bring(watching, [{ ...put("a", 4), timeMs: 2000 }]);
    assert.equal(watching.store.timeNs, 2000n * NS);
    await bring(watching, [], { cursor: at(6) });
    assert.equal(watching.store.timeNs, 0n);
  });

  test("that the record there has as well lets the watch resume", async () => {
    const source = new ScriptedSource();
    source.keep({ ...put("a", 5), timeMs: 1000 });
    await using _ = startWatching({ source, store: copyAt(1000), auditor: source });
    await turns(10);
    assert.deepEqual(source.calls, ["watch all from 5", "record at 5"]);
  });

  test("that the record there has not makes it start over: the stream was rolled back and has grown past it", async () => {
    const source = new ScriptedSource();
    source.keep({ ...put("a", 5, "another"), timeMs: 1001 });
    await using watching = startWatching({ source, store: copyAt(1000), auditor: source });
    await bring(watching, [put("a", 1, "rolled back")], { cursor: at(9), caughtUp: true });
    assert.deepEqual(source.calls.slice(0, 3), ["watch all from 5", "record at 5", "watch all"]);
    assert.deepEqual(watching.events[1], { type: "repair-started", reason: "foreign-cursor" });
    assert.equal(Buffer.from(watching.store.get("a")?.value ?? []).toString(), "rolled back");
  });

  test("is compared also when the line comes back", async () => {
    const source = new ScriptedSource();
    await using watching = startWatching({ source, auditor: source });
    source.keep({ ...put("a", 3), timeMs: 1000 });
    await bring(watching, [{ ...put("a", 3), timeMs: 1000 }]);
    source.keep({ ...put("a", 3), timeMs: 1500 });
    source.current.fail(new Error("line cut"));
    await turns();
    watching.clock.advance(5000);
    await turns(10);
    assert.deepEqual(source.calls, ["watch all", "watch all from 3", "record at 3", "watch all"]);
  });
});

describe("a history that nothing shows to be the same", () => {
  test("gives no position a time before an audit, lest the next watch take it for proven", async () => {
    const source = uncounted();
    const store = copyAt(1000);
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep({ ...put("a", 8), timeMs: 2000 });
    await bring(watching, [{ ...put("a", 8), timeMs: 2000 }], { caughtUp: true });
    assert.deepEqual([store.cursor(), store.timeNs], [at(8), 0n]);
    await watching.watch.audit();
    await bring(watching, [{ ...put("a", 9), timeMs: 3000 }]);
    assert.deepEqual([store.cursor(), store.timeNs], [at(9), 3000n * NS]);
  });

  test("has no key removed for a floor: the bucket may have it, and the audit tells", async () => {
    const source = uncounted();
    const store = copy();
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 4), put("c", 3), put("z", 9));
    await bring(watching, [put("z", 9)], { floor: at(3), caughtUp: true });
    await watching.watch.audit();
    assert.deepEqual(revisions(store), ["a@4", "c@3", "z@9"]);
    assert.ok(!watching.journal.some((line) => line.includes("delete a@")));
  });
});

describe("an audit", () => {
  test("of a bucket that was rolled back to before the copy's position leaves all to the repair that is yet to come", async () => {
    const source = uncounted();
    let lastSequence = 5n;
    const read: CursorOrigin["read"] = async () => ({ ...(await origin.read()), lastSequence });
    const rolledBack = { ...origin, read };
    await using watching = startWatching({
      source,
      store: copy(),
      auditor: source,
      origin: rolledBack,
    });
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    source.keep(put("a", 1));
    lastSequence = 3n;
    await assert.rejects(watching.watch.audit(), (error) =>
      isMillpondError(error, "cursor-expired"),
    );
    assert.deepEqual(revisions(watching.store), ["a@1", "b@2", "c@3"]);
  });
});
