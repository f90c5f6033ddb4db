import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError, MillpondError } from "../../src/errors/index.js";
import type { VersionToken } from "../../src/values/index.js";
import type { CursorOrigin } from "../../src/watch/index.js";
import { at, batchOf, put, removal, ScriptedSource } from "../support/scripted-source.js";
import { MemoryStore } from "../support/memory-store.js";
import { bring, startWatching, turns, type Watching } from "../support/watching.js";

/** A copy of `a`, `b` and `c` at position 5. */
function copy(): MemoryStore {
  return MemoryStore.of([put("a", 1), put("b", 2), put("c", 3)], at(5));
}

/** Whose a bucket is, that forgets nothing by itself. */
const origin: CursorOrigin = {
  read: () =>
    Promise.resolve({
      bucket: "b",
      created: "monday",
      firstSequence: 1n,
      records: 3,
      limits: {
        maxAgeMs: undefined,
        allowsTtl: false,
        markerTtlMs: undefined,
        discardsOld: false,
      },
    }),
  refusal: () => undefined,
  adopt: () => Promise.resolve(),
};

/** A source that answers no count, so that no audit begins by itself. */
function uncounted(): ScriptedSource {
  const source = new ScriptedSource();
  source.countRecords = () => Promise.reject(new Error("not now"));
  return source;
}

/** Level at position 5, with a bucket that has another `b`, no `c` and a `d` that the copy lacks. */
async function diverged(): Promise<Watching> {
  const source = uncounted();
  source.keep(put("a", 1), put("b", 4), put("d", 3));
  const watching = startWatching({ source, store: copy() });
  await bring(watching, [], { cursor: at(5), caughtUp: true });
  return watching;
}

/**
 * How many keys an audit calls missing, of a copy that lacks a record which is over `ttlMs` after the watch began, when two hours have passed
 * by the copy's clock. The bucket's stands still, where it tells it.
 */
async function missingAfterTwoHours(
  ttlMs: number,
  serverTimeMs: number | undefined,
): Promise<number> {
  const source = uncounted();
  const told = serverTimeMs === undefined ? {} : { serverTimeMs };
  const limits = { maxAgeMs: undefined, allowsTtl: true, markerTtlMs: 1000, discardsOld: false };
  const read: CursorOrigin["read"] = async () => ({ ...(await origin.read()), limits, ...told });
  await using watching = startWatching({
    source,
    store: copy(),
    auditor: source,
    origin: { ...origin, read },
  });
  const timeMs = serverTimeMs === 0 ? 0 : watching.clock.now();
  source.keep(put("a", 1), put("b", 2), put("c", 3));
  await bring(watching, [], { cursor: at(5), caughtUp: true });
  watching.clock.advance(7_200_000);
  await turns(20);
  source.keep(...source.kept.values(), { ...put("d", 4), timeMs, ttlMs });
  const { missing } = await watching.watch.audit();
  assert.equal(revisions(watching.store).includes("d@4"), missing === 1);
  return missing;
}

function revisions(store: MemoryStore): string[] {
  return [...store.entries].map(([key, { version }]) => `${key}@${version.toU64()}`).toSorted();
}

function revision(version: VersionToken | undefined): bigint | undefined {
  return version?.toU64();
}

/** A watch whose counts begin by themselves. */
async function counting(source: ScriptedSource, store = new MemoryStore()): Promise<Watching> {
  const watching = startWatching({ source, store, auditor: source, origin });
  const records = [...source.kept.values()].map((record) =>
    record.kind === "put" ? { ...record, kind: "put" as const } : removal(record.key, 7),
  );
  await bring(watching, records, { cursor: at(9), caughtUp: true });
  return watching;
}

/** Lets a count come due, and the second look at one that differs. */
async function count(watching: Watching): Promise<void> {
  for (const ms of [60_000, 2000]) {
    watching.clock.advance(ms);
    await turns(20);
  }
}

describe("an audit", () => {
  test("needs an auditor", async () => {
    await using watching = await diverged();
    await assert.rejects(watching.watch.audit(), (error) =>
      isMillpondError(error, "invalid-argument"),
    );
  });

  test("finds what differs, mends it beside the flow, moves no position, and tells", async () => {
    const source = uncounted();
    const store = copy();
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 1), put("b", 4), put("d", 3));
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    const report = await auditing;
    assert.deepEqual(revisions(store), ["a@1", "b@4", "d@3"]);
    assert.equal(store.position.toU64(), 5n);
    const { records, missing, stale, extra } = report;
    assert.deepEqual([records, missing, stale, extra], [3, 1, 1, 1]);
    const told = report.differing.map((each) => [
      each.key,
      revision(each.copy),
      revision(each.bucket),
    ]);
    assert.deepEqual(told, [
      ["b", 2n, 4n],
      ["d", undefined, 3n],
      ["c", 3n, undefined],
    ]);
    assert.ok(watching.events.some((event) => event.type === "audited" && event.report === report));
  });

  test("leaves to the flow what the flow touches while it lists", async () => {
    const source = uncounted();
    const store = copy();
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 1), put("b", 2));
    source.duringListing = async () => {
      await bring(watching, [put("c", 6), put("a", 7)]);
    };
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(60);
    const { missing, stale, extra } = await auditing;
    assert.deepEqual([missing, stale, extra], [0, 0, 0]);
    assert.deepEqual(revisions(store), ["a@7", "b@2", "c@6"]);
  });

  test("judges only once the flow has come as far as the bucket was when it was listed", async () => {
    const source = uncounted();
    const store = copy();
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 1), put("b", 2), put("c", 9));
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(20);
    await bring(watching, [put("c", 9)], { caughtUp: true });
    const { missing, stale, extra } = await auditing;
    assert.deepEqual([missing, stale, extra], [0, 0, 0]);
    assert.ok(!source.calls.includes("entry c"));
  });

  test("does not bring back what changed after it was judged", async () => {
    const source = uncounted();
    const store = copy();
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 1), put("b", 2), put("c", 3), put("d", 4));
    const entry = source.entry.bind(source);
    source.entry = async (key) => {
      const found = await entry(key);
      await bring(watching, [removal("d", 6)]);
      return found;
    };
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(60);
    assert.equal((await auditing).missing, 1);
    assert.deepEqual(revisions(store), ["a@1", "b@2", "c@3"]);
  });

  test("that begins anew with a repair leaves what it judged to the repair", async () => {
    const source = uncounted();
    const store = copy();
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 1), put("b", 2), put("c", 3), put("d", 4), removal("e", 5));
    const entry = source.entry.bind(source);
    source.entry = async (key) => {
      source.entry = entry;
      const found = await entry(key);
      source.current.fail(new MillpondError("cursor-expired", "what came after it is gone"));
      await turns(20);
      watching.clock.advance(200);
      await turns(20);
      return found;
    };
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(60);
    assert.deepEqual(revisions(store), ["a@1", "b@2", "c@3"]);
    const records = [put("a", 1), put("b", 2), put("c", 3), put("d", 4), removal("e", 5)];
    await bring(watching, records, { cursor: at(6), caughtUp: true });
    await turns(60);
    const { cursor, missing } = await auditing;
    assert.deepEqual([cursor.toU64(), missing], [6n, 0]);
    assert.equal(source.calls.filter((call) => call === "list").length, 2);
  });

  test("brings back a record that is over by a clock that was put forward, and not by the bucket's", async () => {
    assert.equal(await missingAfterTwoHours(7_195_000, 0), 1);
  });

  test("brings back a record that is over for so long that it cannot have been meant to go", async () => {
    assert.equal(await missingAfterTwoHours(3_600_000, undefined), 1);
    assert.equal(await missingAfterTwoHours(3_600_000, Number.NaN), 1);
  });

  test("leaves a record that went at this moment", async () => {
    assert.equal(await missingAfterTwoHours(7_195_000, undefined), 0);
  });

  test("ends with its signal, with the watch, and with what the source throws", async () => {
    const source = uncounted();
    await using watching = startWatching({ source, store: copy(), auditor: source, origin });
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = watching.watch.audit({ signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(aborted, (error) => error === reason);
    const failure = new Error("line cut");
    source.keep(put("a", 1));
    source.listingErrors.push(failure);
    const failed = watching.watch.audit();
    failed.catch(() => undefined);
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await assert.rejects(failed, (error) => error === failure);
    await watching.stop();
    await assert.rejects(watching.watch.audit(), (error) => isMillpondError(error, "closed"));
  });
});

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

  test("comes at once after what delivers was replaced, and need not be taken twice where nothing grows old", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2), removal("c", 7));
    await using watching = await counting(source);
    source.kept.delete("b");
    watching.source.current.give({
      ...batchOf([], { cursor: at(9), caughtUp: true }),
      rebuilds: 1,
    });
    await turns(60);
    assert.deepEqual(revisions(watching.store), ["a@1"]);
  });

  test("that is due at once is tried again soon, and until it has told nothing counts as proven", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    await using watching = await counting(source);
    const countRecords = source.countRecords.bind(source);
    let failures = 0;
    source.countRecords = async (scope) => {
      failures += 1;
      if (failures === 1) throw new Error("not now");
      return await countRecords(scope);
    };
    const level = { ...batchOf([], { cursor: at(9), caughtUp: true }), rebuilds: 1 };
    const isUnchecked = async (): Promise<boolean | undefined> => {
      watching.source.current.give(level);
      await turns(20);
      watching.clock.advance(10);
      await turns(20);
      return watching.events.findLast((event) => event.type === "progress")?.isUnchecked;
    };
    assert.equal(await isUnchecked(), true);
    assert.equal(await isUnchecked(), true);
    watching.clock.advance(1000);
    await turns(20);
    assert.equal(await isUnchecked(), undefined);
    assert.equal(failures, 2);
  });

  test("that a marker's loss makes differ leads to an audit that finds nothing, and to none after that", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2), removal("c", 7));
    await using watching = await counting(source);
    source.kept.delete("c");
    await count(watching);
    assert.ok(watching.events.some(({ type }) => type === "audited"));
    await count(watching);
    assert.deepEqual(watching.events.at(-1), { type: "counted", ok: true });
    assert.equal(source.calls.filter((call) => call === "list").length, 1);
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
    assert.equal(watching.events.filter(({ type }) => type === "check-failed").length, 2);
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
});
