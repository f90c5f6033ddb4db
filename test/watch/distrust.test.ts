import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import { originOf } from "../support/auditing.js";
import { MemoryStore } from "../support/memory-store.js";
import { at, put, ScriptedSource } from "../support/scripted-source.js";
import { bring, startWatching, turns } from "../support/watching.js";

/** Markers go after a minute. */
const limits = { maxAgeMs: undefined, allowsTtl: true, markerTtlMs: 60_000, discardsOld: false };

const origin = originOf({ limits });

/**
 * How a copy of which all was known is checked when it resumes, `offlineMs` after its line was cut, with a clock that was set back meanwhile, and whether it is said to be unchecked
 * before that.
 */
async function checks(offlineMs: number, isRecordThere: boolean, setBackMs = 0) {
  const source = new ScriptedSource();
  const base = new ManualClock();
  let aheadMs = 0;
  const clock = new MachineClock(base, () => aheadMs);
  const records = [
    { ...put("a", 1), timeMs: 1000 },
    { ...put("b", 9), timeMs: 2000 },
  ];
  source.keep(...records);
  await using started = startWatching({ source, auditor: source, origin, clock });
  const watching = { ...started, clock: base };
  await bring(watching, records, { cursorTimeNs: 2_000_000_000n, caughtUp: true });
  if (!isRecordThere) {
    source.recordAt = () => {
      source.calls.push("no record");
      return Promise.resolve(undefined);
    };
  }
  source.current.fail(new Error("line cut"));
  await turns(10);
  base.advance(offlineMs);
  aheadMs -= setBackMs;
  await bring(watching, [], { cursor: at(9), cursorTimeNs: 2_000_000_000n, caughtUp: true });
  const progress = watching.events.findLast(({ type }) => type === "progress");
  assert.ok(progress?.type === "progress");
  await turns(30);
  const [resumed, looked, ...checked] = source.calls.slice(2);
  assert.deepEqual([resumed, looked === "record at 9"], ["watch all from 9", isRecordThere]);
  await bring(watching, []);
  const proven = watching.events.findLast(({ type }) => type === "progress");
  assert.ok(proven?.type === "progress" && proven.isUnchecked === undefined);
  return [progress.isUnchecked === true, ...checked];
}

describe("a resume of a copy of which all is known", () => {
  test("counts where the record at its position is there and markers cannot have gone meanwhile", async () => {
    assert.deepEqual(await checks(200, true), [true, "count"]);
  });

  test("audits where markers may have gone meanwhile", async () => {
    assert.deepEqual(await checks(100_000, true), [true, "list"]);
  });

  test("audits where markers may have gone meanwhile, also by a clock that was set back since", async () => {
    assert.deepEqual(await checks(100_000, true, 90_000), [true, "list"]);
  });

  test("audits where the record at its position is gone", async () => {
    assert.deepEqual(await checks(200, false), [true, "list"]);
  });
});

describe("an audit that is due and fails", () => {
  test("stays due, whatever a count would say", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    await using watching = startWatching({ source, auditor: source, origin });
    await bring(watching, [put("a", 1)], { caughtUp: true });
    source.listingErrors.push(new Error("not now"));
    source.current.fail(new Error("line cut"));
    await turns(10);
    watching.clock.advance(200);
    await bring(watching, [], { cursor: at(1), caughtUp: true });
    await turns(20);
    watching.clock.advance(1000);
    await turns(30);
    assert.deepEqual(source.calls.slice(1), ["count", "watch all from 1", "list", "list"]);
  });
});

describe("a repair of another bucket's copy that would retain what the bucket forgets", () => {
  test("notes whose the copy is only once all that is not the bucket's is gone from the store", async () => {
    const store = MemoryStore.of([put("a", 1), put("b", 2)], at(5));
    await using watching = startWatching({
      store,
      evictions: "retain",
      origin: {
        ...origin,
        refusal: () => "foreign-cursor",
        adopt: () => Promise.resolve(void watching.journal.push("adopt")),
      },
    });
    await bring(watching, [put("b", 7)], { caughtUp: true });
    assert.deepEqual(
      watching.journal.filter((line) => line.startsWith("store") || line === "adopt"),
      ["store - → none", "store put b@7 → none", "store delete a@? → none", "adopt", "store - → 7"],
    );
  });
});
