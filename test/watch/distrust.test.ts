import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CursorOrigin } from "../../src/watch/index.js";
import { MemoryStore } from "../support/memory-store.js";
import { at, put, ScriptedSource } from "../support/scripted-source.js";
import { bring, startWatching, turns } from "../support/watching.js";

/** Markers go after a minute. */
const limits = { maxAgeMs: undefined, allowsTtl: true, markerTtlMs: 60_000, discardsOld: false };

const facts = { bucket: "b", created: "monday", firstSequence: 1n, records: 2, limits };

const origin: CursorOrigin = {
  read: () => Promise.resolve(facts),
  refusal: () => undefined,
  adopt: () => Promise.resolve(),
};

/** Listings that follow when a copy of which all was known resumes, `offlineMs` after its line was cut. */
async function listings(offlineMs: number, isRecordThere: boolean): Promise<number> {
  const source = new ScriptedSource();
  const records = [
    { ...put("a", 1), timeMs: 1000 },
    { ...put("b", 9), timeMs: 2000 },
  ];
  source.keep(...records);
  await using watching = startWatching({ source, auditor: source, origin });
  await bring(watching, records, { cursorTimeNs: 2_000_000_000n, caughtUp: true });
  if (!isRecordThere) source.recordAt = () => Promise.resolve(undefined);
  source.current.fail(new Error("line cut"));
  await turns(10);
  watching.clock.advance(offlineMs);
  await bring(watching, [], { cursor: at(9), cursorTimeNs: 2_000_000_000n, caughtUp: true });
  await turns(30);
  assert.ok(source.calls.includes("watch all from 9"));
  return source.calls.filter((call) => call === "list").length;
}

describe("a resume of a copy of which all is known", () => {
  test("counts where the record at its position is there and markers cannot have gone meanwhile", async () => {
    assert.equal(await listings(200, true), 0);
  });

  test("audits where markers may have gone meanwhile", async () => {
    assert.equal(await listings(100_000, true), 1);
  });

  test("audits where the record at its position is gone", async () => {
    assert.equal(await listings(200, false), 1);
  });
});

describe("a repair of another bucket's copy that would retain what the bucket forgets", () => {
  test("notes whose the copy is only once all that is not the bucket's is gone from the store", async () => {
    const store = MemoryStore.of([put("a", 1), put("b", 2)], at(5));
    await using watching = startWatching({
      store,
      evictions: "retain",
      origin: {
        read: () => Promise.resolve(facts),
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
