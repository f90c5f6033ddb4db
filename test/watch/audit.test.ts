import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError, MillpondError } from "../../src/errors/index.js";
import type { KvRecord } from "../../src/kv/index.js";
import type { VersionToken } from "../../src/values/index.js";
import type { CursorOrigin } from "../../src/watch/index.js";
import {
  asked,
  copy,
  count,
  endless,
  origin,
  originOf,
  revisions,
  uncounted,
  verdicts,
} from "../support/auditing.js";
import { Gate } from "../support/gate.js";
import { MemoryStore } from "../support/memory-store.js";
import { at, put, removal, ScriptedSource } from "../support/scripted-source.js";
import { bring, startWatching, turns, type Watching } from "../support/watching.js";

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

function revision(version: VersionToken | undefined): bigint | undefined {
  return version?.toU64();
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
    await turns(20);
    assert.ok(!source.calls.includes("list"));
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

  test("leaves to the flow what can be read already and is still being written to a slow store", async () => {
    const source = uncounted();
    const store = copy();
    const written = new Gate();
    const apply = store.apply.bind(store);
    store.apply = async (updates, ...position) => {
      if (updates.length > 0) await written.pass();
      await apply(updates, ...position);
    };
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 1), put("b", 2), put("c", 3));
    source.duringListing = () => bring(watching, [put("b", 6), removal("c", 7)]);
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(60);
    written.open();
    const { missing, stale, extra } = await auditing;
    assert.deepEqual([missing, stale, extra], [0, 0, 0]);
    assert.deepEqual(revisions(store), ["a@1", "b@6"]);
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

  test("fails where the flow does not come so far within a minute", async () => {
    const source = uncounted();
    await using watching = startWatching({ source, store: copy(), auditor: source, origin });
    source.keep(put("a", 1), put("b", 9));
    const auditing = watching.watch.audit();
    auditing.catch(() => undefined);
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(20);
    watching.clock.advance(60_000);
    await assert.rejects(auditing, (error) => isMillpondError(error, "timeout"));
    assert.deepEqual(revisions(watching.store), ["a@1", "b@2", "c@3"]);
  });

  test("of a bucket that has been made again meanwhile fails, and mends nothing", async () => {
    const source = uncounted();
    const store = copy();
    let isMadeAgain = false;
    const refusal: CursorOrigin["refusal"] = () => (isMadeAgain ? "foreign-cursor" : undefined);
    await using watching = startWatching({
      source,
      store,
      auditor: source,
      origin: { ...origin, refusal },
    });
    source.keep(put("a", 4));
    source.duringListing = async () => {
      isMadeAgain = true;
    };
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await assert.rejects(watching.watch.audit(), (error) =>
      isMillpondError(error, "cursor-expired"),
    );
    assert.deepEqual(revisions(store), ["a@1", "b@2", "c@3"]);
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

  test("takes out what is gone by the time it is fetched, and says why as far as the bucket tells", async () => {
    const source = uncounted();
    const store = MemoryStore.of([put("a", 1), put("b", 1), put("c", 1), put("d", 1)], at(9));
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 2), put("b", 3), put("c", 4), removal("d", 5));
    const found: Record<string, KvRecord> = {
      b: { ...removal("b", 6), value: new Uint8Array(0) },
      c: { ...removal("c", 7), kind: "purge", value: new Uint8Array(0), timeMs: 1000 },
    };
    source.entry = (key) => Promise.resolve(found[key]);
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(9), caughtUp: true });
    await turns(30);
    const { stale, extra } = await auditing;
    assert.deepEqual([stale, extra], [3, 1]);
    const gone = store.writes
      .at(-1)
      ?.updates.map((update) => [
        update.key,
        update.version.toU64(),
        update.kind === "put" ? "put" : update.reason,
        update.timeMs,
      ]);
    assert.deepEqual(gone, [
      ["a", undefined, "vanished", undefined],
      ["b", 6n, "deleted", undefined],
      ["c", 7n, "purged", 1000],
      ["d", 5n, "deleted", undefined],
    ]);
  });

  test("of a copy that retains leaves what the bucket forgot, and removes what somebody did", async () => {
    const source = uncounted();
    const entries = ["a", "b", "c", "e", "f"].map((key) => put(key, 1));
    const store = MemoryStore.of(entries, at(9));
    await using watching = startWatching({
      source,
      store,
      auditor: source,
      origin: originOf({ limits: { ...endless, discardsOld: true } }),
      evictions: "retain",
    });
    const expired = { ...removal("f", 8), reason: "expired" } as const;
    const purged = { ...removal("e", 6), kind: "purge" } as const;
    source.keep(put("b", 4), removal("c", 5), put("d", 3), purged, expired);
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(9), caughtUp: true });
    await turns(30);
    const { missing, stale, extra } = await auditing;
    assert.deepEqual([missing, stale, extra], [1, 1, 2]);
    assert.deepEqual(revisions(store), ["a@1", "b@4", "d@3", "f@1"]);
  });

  test("of a copy that retains leaves what the bucket forgets before it is fetched", async () => {
    const source = uncounted();
    const store = copy();
    await using watching = startWatching({
      source,
      store,
      auditor: source,
      origin: originOf({ limits: { ...endless, maxAgeMs: 60_000 } }),
      evictions: "retain",
    });
    source.keep(put("a", 4), put("b", 5), put("c", 6));
    const found: Record<string, KvRecord> = {
      b: { ...removal("b", 7), reason: "expired", value: new Uint8Array(0) },
      c: { ...removal("c", 8), reason: "deleted", value: new Uint8Array(0) },
    };
    source.entry = (key) => Promise.resolve(found[key]);
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(9), caughtUp: true });
    await turns(30);
    assert.equal((await auditing).stale, 3);
    assert.deepEqual(revisions(store), ["a@1", "b@2"]);
  });

  test("gives up where the flow begins anew each time", async () => {
    const source = uncounted();
    await using watching = startWatching({ source, store: copy(), auditor: source, origin });
    source.keep(put("a", 1), put("b", 2), put("c", 3), put("d", 9));
    const auditing = watching.watch.audit();
    auditing.catch(() => undefined);
    for (const attempt of [1, 2, 3, 4]) {
      await bring(watching, [], { cursor: at(5), caughtUp: true });
      await turns(20);
      assert.equal(asked(source, "list"), Math.min(attempt, 3));
      source.current.fail(new MillpondError("cursor-expired", "purged"));
      await turns(20);
      watching.clock.advance(5000);
    }
    await assert.rejects(auditing, (error) => isMillpondError(error, "closed"));
    assert.ok(!source.calls.includes("entry d"));
  });

  test("brings back a record that is over by a clock that was put forward, and not by the bucket's", async () => {
    assert.equal(await missingAfterTwoHours(7_195_000, 0), 1);
  });

  test("brings back a record that is over for so long that it cannot have been meant to go", async () => {
    assert.equal(await missingAfterTwoHours(3_600_000, undefined), 1);
    assert.equal(await missingAfterTwoHours(3_600_000, Number.NaN), 1);
  });

  test("leaves a record that went at this moment, and knows that it may stand in for one that is lost", async () => {
    assert.equal(await missingAfterTwoHours(7_195_000, undefined), 0);
    const source = new ScriptedSource();
    const aged = originOf({ limits: { ...endless, maxAgeMs: 1000 } });
    await using watching = startWatching({ source, store: copy(), auditor: source, origin: aged });
    const over = { ...put("d", 4), timeMs: watching.clock.now() - 1000 };
    source.keep(put("a", 1), put("b", 2), put("c", 3), over);
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(30);
    assert.equal(asked(source, "list"), 1);
    source.keep(put("a", 1), put("b", 2), over);
    await count(watching);
    assert.deepEqual(verdicts(watching), []);
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
