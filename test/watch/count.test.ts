import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CursorOrigin } from "../../src/watch/index.js";
import {
  asked,
  copy,
  count,
  counting,
  endless,
  origin,
  originOf,
  revisions,
  verdicts,
} from "../support/auditing.js";
import { MemoryStore } from "../support/memory-store.js";
import { at, batchOf, put, removal, ScriptedSource } from "../support/scripted-source.js";
import { bring, startWatching, turns } from "../support/watching.js";

describe("a count", () => {
  test("of a copy that has seen every record is enough", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2), removal("c", 7));
    await using watching = await counting(source);
    assert.deepEqual(watching.events.at(-1), { type: "counted", ok: true });
    assert.ok(!source.calls.includes("list"));
  });

  test("finds a key whose record went without a word, and an audit takes it out", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2), removal("c", 7));
    await using watching = await counting(source);
    source.kept.delete("b");
    await count(watching);
    assert.ok(watching.events.some((event) => event.type === "counted" && !event.ok));
    assert.deepEqual(revisions(watching.store), ["a@1"]);
    await count(watching);
    assert.deepEqual(watching.events.at(-1), { type: "counted", ok: true });
  });

  test("after a resume proves nothing, however equal: an audit finds the key that an unknown marker stood in for", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), removal("x", 2), put("c", 3));
    await using watching = startWatching({ source, store: copy(), auditor: source, origin });
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(30);
    assert.deepEqual(revisions(watching.store), ["a@1", "c@3"]);
  });

  test("that fails, or whose audit fails, is told with its error", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("c", 3), put("d", 4));
    const failure = new Error("permissions violation");
    source.entry = () => Promise.reject(failure);
    await using watching = startWatching({ source, store: copy(), auditor: source, origin });
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    const failed = { type: "check-failed", error: failure } as const;
    assert.deepEqual(watching.events.at(-1), failed);
    source.countRecords = () => Promise.reject(failure);
    source.listingErrors.push(failure);
    await count(watching);
    assert.deepEqual(watching.events.at(-1), failed);
    await watching.stop();
    assert.ok(watching.events.filter(({ type }) => type === "check-failed").length >= 2);
  });

  test("proves nothing by an audit that failed before all was mended", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("c", 3), put("d", 4));
    const countRecords = source.countRecords.bind(source);
    const entry = source.entry.bind(source);
    source.countRecords = () => Promise.reject(new Error("not now"));
    source.entry = () => Promise.reject(new Error("nor this"));
    await using watching = startWatching({ source, store: copy(), auditor: source, origin });
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await assert.rejects(watching.watch.audit(), { message: "nor this" });
    Object.assign(source, { countRecords, entry });
    await count(watching);
    assert.deepEqual(revisions(watching.store), ["a@1", "c@3", "d@4"]);
  });

  test("waits until the flow has come as far as the bucket was, and proves nothing where it does not", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2));
    let lastSequence = 9n;
    const read: CursorOrigin["read"] = async () => ({ ...(await origin.read()), lastSequence });
    await using watching = await counting(source, { origin: { ...origin, read } });
    source.keep(put("a", 1), put("b", 2), put("d", 10));
    lastSequence = 10n;
    await count(watching);
    watching.clock.advance(10_000);
    await turns(20);
    await count(watching);
    await bring(watching, [put("d", 10)], { caughtUp: true });
    await count(watching);
    assert.deepEqual(verdicts(watching), [true, true]);
    assert.equal(asked(source, "list"), 0);
  });

  test("says nothing while the store is behind", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2));
    await using watching = await counting(source);
    watching.store.error = new Error("disk full");
    source.keep(put("a", 1), put("b", 2), put("d", 10));
    await bring(watching, [put("d", 10)], { caughtUp: true });
    await count(watching);
    assert.deepEqual(verdicts(watching), [true]);
    assert.equal(asked(source, "count"), 1);
    watching.store.error = undefined;
    await count(watching);
    await count(watching);
    assert.deepEqual(verdicts(watching).slice(0, 2), [true, true]);
    assert.equal(asked(source, "list"), 0);
  });

  test("says nothing where the store fails before the answer", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2));
    await using watching = await counting(source);
    source.countRecords = async () => {
      watching.store.error = new Error("disk full");
      await bring(watching, [put("d", 10)], { caughtUp: true });
      return 3;
    };
    watching.clock.advance(60_000);
    await turns(60);
    assert.equal(watching.store.get("d"), undefined);
    assert.deepEqual(verdicts(watching), [true]);
    assert.ok(!watching.events.some(({ type }) => type === "check-failed"));
  });

  test("needs nobody to say whose the bucket is", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2));
    await using watching = startWatching({ source, auditor: source });
    await bring(watching, [put("a", 1), put("b", 2)], { caughtUp: true });
    assert.deepEqual(verdicts(watching), [true]);
  });

  test("leaves out what the store has of other scopes", async () => {
    const source = new ScriptedSource();
    source.keep(put("a.x", 1), put("b.y", 2));
    await using watching = await counting(source, {
      scope: { kind: "prefix", prefix: "a." },
      store: MemoryStore.of([put("a.x", 1), put("b.y", 2), put("b.z", 3)]),
    });
    assert.deepEqual(verdicts(watching), [true]);
    source.kept.delete("a.x");
    await count(watching);
    assert.deepEqual(revisions(watching.store), ["b.y@2", "b.z@3"]);
  });

  test("of records that grow old is taken once more before it tells of a loss", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2));
    let limits = endless;
    const read: CursorOrigin["read"] = () => originOf({ limits }).read();
    await using watching = await counting(source, { origin: { ...origin, read } });
    // Known from the count itself on.
    limits = { ...endless, allowsTtl: true, markerTtlMs: 1000 };
    source.keep(put("a", 1));
    watching.clock.advance(60_000);
    await turns(20);
    source.keep(put("a", 1), put("b", 2));
    watching.clock.advance(2000);
    await turns(20);
    assert.deepEqual(verdicts(watching), [true, true]);
    assert.equal(asked(source, "count"), 3);
  });

  test("is not taken of a copy that retains what its bucket forgets, which is compared once what delivers was replaced", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    const limits = { ...endless, discardsOld: true };
    const store = MemoryStore.of([put("a", 1), put("b", 2)]);
    const retaining = { store, origin: originOf({ limits }), evictions: "retain" } as const;
    await using watching = await counting(source, retaining);
    await count(watching);
    watching.source.current.give({ ...batchOf([], { caughtUp: true }), rebuilds: 1 });
    await turns(20);
    await bring(watching, []);
    const progress = watching.events.findLast(({ type }) => type === "progress");
    assert.ok(progress?.type === "progress" && progress.isUnchecked === undefined);
    assert.deepEqual(source.calls, ["watch all", "list"]);
    assert.deepEqual(revisions(store), ["a@1", "b@2"]);
  });

  test("is not taken of such a copy after a resume either: a key that it never had is found by a listing", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2), put("d", 4));
    const limits = { ...endless, discardsOld: true };
    const store = copy();
    const retaining = { store, origin: originOf({ limits }), evictions: "retain" } as const;
    await using watching = startWatching({ source, auditor: source, ...retaining });
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(30);
    assert.ok(source.calls.includes("list"));
    assert.deepEqual(revisions(store), ["a@1", "b@2", "c@3", "d@4"]);
  });
});
