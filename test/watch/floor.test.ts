import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MillpondError } from "../../src/errors/index.js";
import { VersionToken, WatchCursor } from "../../src/values/index.js";
import type { CursorOrigin } from "../../src/watch/index.js";
import { endless, originOf, uncounted } from "../support/auditing.js";
import { Gate } from "../support/gate.js";
import { at, put } from "../support/scripted-source.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { MemoryStore } from "../support/memory-store.js";
import { bring, startWatching, turns } from "../support/watching.js";

/** A copy of `a`, `b` and `c` at position 5, and how often it was scanned. */
function copy(): MemoryStore & { scans: number } {
  return counted(MemoryStore.of([put("a", 1), put("b", 2), put("c", 3)], at(5)));
}

function counted(plain: MemoryStore): MemoryStore & { scans: number } {
  const store = Object.assign(plain, { scans: 0 });
  const range = store.range.bind(store);
  store.range = (prefix) => {
    store.scans += 1;
    return range(prefix);
  };
  return store;
}

describe("a floor", () => {
  test("sweeps what is older before its position is taken, and nothing is ahead of that", async () => {
    const store = copy();
    await using watching = startWatching({ store });
    await bring(watching, [put("z", 9)], { floor: at(3), caughtUp: true });
    assert.deepEqual(watching.source.asked.sweeps, true);
    assert.deepEqual(watching.journal, [
      "apply delete a@?, delete b@?",
      "store delete a@?, delete b@? → 5",
      "applied 5",
      "apply put z@9",
      "store put z@9 → 9",
      "applied 9",
    ]);
    assert.deepEqual(watching.events[1], { type: "swept", floor: at(3), deleted: 2 });
    const [removed] = store.writes.at(-2)?.updates ?? [];
    assert.ok(removed !== undefined && removed.kind !== "put");
    assert.equal(removed.reason, "vanished");
  });

  test("sweeps also what comes with it and is older, in one batch with what is not", async () => {
    for (const held of [true, false]) {
      const store = held ? copy() : new MemoryStore();
      await using watching = startWatching({ store });
      const news = [put("a", 6), put("b", 7), put("d", 9)];
      await bring(watching, news, { floor: at(8), caughtUp: true });
      assert.deepEqual(watching.journal.slice(held ? -3 : 0), [
        "apply delete a@?, delete b@?, put d@9",
        "store delete a@?, delete b@?, put d@9 → 9",
        "applied 9",
      ]);
      assert.deepEqual([...store.entries.keys()], ["d"]);
    }
  });

  test("leaves what came again since", async () => {
    const store = copy();
    await using watching = startWatching({ store });
    await bring(watching, [put("a", 6)], { floor: at(6), caughtUp: true });
    assert.deepEqual([...store.entries.keys()], ["a"]);
    await bring(watching, [put("b", 7)], { floor: at(7) });
    assert.deepEqual([...store.entries.keys()], ["b"]);
  });

  test("costs no scan where all that it can leave behind is known", async () => {
    const store = copy();
    await using watching = startWatching({ store });
    await bring(watching, [], { cursor: at(6), floor: at(1), caughtUp: true });
    const { scans } = store;
    assert.equal(scans, 1);
    await bring(watching, [], { cursor: at(7), floor: at(2) });
    await bring(watching, [], { cursor: at(8), floor: at(3) });
    assert.deepEqual([...store.entries.keys()], ["c"]);
    assert.equal(store.scans, scans);
  });

  test("leaves what came again after it was found to be old", async () => {
    const store = copy();
    await using watching = startWatching({ store });
    await bring(watching, [], { cursor: at(6), floor: at(1), caughtUp: true });
    await bring(watching, [put("a", 7)], { floor: at(4) });
    assert.deepEqual([...store.entries.keys()], ["a"]);
  });

  test("sweeps also what an audit brought into a copy whose oldest entries were known", async () => {
    const source = uncounted();
    const store = MemoryStore.of([put("a", 1), put("z", 8)], at(9));
    source.keep(put("a", 1), put("z", 8));
    await using watching = startWatching({ source, store, auditor: source });
    await bring(watching, [], { cursor: at(9), floor: at(1), caughtUp: true });
    source.keep(put("a", 1), put("d", 4), put("z", 8));
    const auditing = watching.watch.audit();
    await turns(30);
    assert.equal((await auditing).missing, 1);
    await bring(watching, [], { cursor: at(10), floor: at(6) });
    assert.deepEqual([...store.entries.keys()], ["z"]);
  });

  test("that comes while an audit fetches a record keeps out what is older", async () => {
    const source = uncounted();
    const store = MemoryStore.of([put("z", 8)], at(9));
    store.timeNs = 1_000_000_000n;
    source.recordAt = () => Promise.resolve({ ...put("gone", 9), timeMs: 1000 });
    source.keep(put("a", 3), put("b", 7), put("z", 8));
    const gate = new Gate();
    const entry = source.entry.bind(source);
    source.entry = async (key) => {
      const record = await entry(key);
      await gate.pass();
      return record;
    };
    await using watching = startWatching({ source, store, auditor: source });
    await bring(watching, [], { cursor: at(9), caughtUp: true });
    const auditing = watching.watch.audit();
    await turns(30);
    await bring(watching, [], { cursor: at(10), floor: at(5) });
    gate.open();
    await auditing;
    assert.deepEqual([...store.entries.keys()].toSorted(), ["b", "z"]);
  });

  test("sweeps nothing of a copy that may be of another history before an audit has compared it", async () => {
    const source = uncounted();
    source.recordAt = () => Promise.resolve(undefined);
    const store = MemoryStore.of([put("a", 1), put("z", 8)], at(9));
    store.timeNs = 1_000_000_000n;
    // In the bucket's own history `a` was written again before the position.
    source.keep(put("a", 4), put("z", 8));
    const gate = new Gate();
    const records = source.records.bind(source);
    source.records = async function* (scope) {
      await gate.pass();
      yield* records(scope);
    };
    await using watching = startWatching({ source, store, auditor: source });
    await bring(watching, [put("y", 10)], { floor: at(3), caughtUp: true });
    assert.deepEqual([...store.entries.keys()].toSorted(), ["a", "y", "z"]);
    source.keep(put("a", 4), put("z", 8), put("y", 10));
    const auditing = watching.watch.audit();
    gate.open();
    await auditing;
    assert.deepEqual(
      [...store.entries.values()].map(({ key, version }) => `${key}@${version.toU64()}`).toSorted(),
      ["a@4", "y@10", "z@8"],
    );
    source.kept.delete("a");
    await bring(watching, [], { cursor: at(11), floor: at(6) });
    assert.deepEqual([...store.entries.keys()].toSorted(), ["y", "z"]);
  });

  test("that was told while a copy had yet to be compared counts once that is done", async () => {
    const source = uncounted();
    source.recordAt = () => Promise.resolve(undefined);
    const store = MemoryStore.of([put("a", 1), put("z", 8)], at(9));
    store.timeNs = 1_000_000_000n;
    source.keep(put("a", 1), put("z", 8));
    const gate = new Gate();
    const records = source.records.bind(source);
    source.records = async function* (scope) {
      yield* records(scope);
      // What it has listed is dropped before it ends.
      await gate.pass();
    };
    await using watching = startWatching({ source, store, auditor: source });
    await bring(watching, [], { cursor: at(9), caughtUp: true });
    const auditing = watching.watch.audit();
    await turns(30);
    source.keep(put("a", 1), put("z", 8), put("y", 10));
    await bring(watching, [put("y", 10)], { floor: at(3) });
    gate.open();
    await auditing;
    assert.ok(store.entries.has("a"));
    await bring(watching, [], { cursor: at(10) });
    assert.deepEqual([...store.entries.keys()].toSorted(), ["y", "z"]);
  });

  test("sweeps also what a repair brought into a copy whose oldest entries were known", async () => {
    const store = MemoryStore.of([put("a", 1), put("z", 8)], at(9));
    await using watching = startWatching({ store });
    await bring(watching, [], { cursor: at(9), floor: at(1), caughtUp: true });
    watching.source.current.fail(new MillpondError("cursor-expired", "purged"));
    await turns(10);
    watching.clock.advance(200);
    const records = [put("a", 1), put("d", 4), put("z", 8)];
    await bring(watching, records, { cursor: at(9), caughtUp: true });
    await bring(watching, [], { cursor: at(10), floor: at(6) });
    assert.deepEqual([...store.entries.keys()], ["z"]);
  });

  test("sweeps exactly what is older of more entries than are remembered, with few scans", async (context) => {
    const seed = seedOfRun();
    context.diagnostic(`MILLPOND_SEED=${seed}`);
    const random = randomFrom(seed);
    const count = 20_000;
    const versions = Array.from({ length: count }, (_, index) => index + 1);
    for (let place = count - 1; place > 0; place -= 1) {
      const other = integerBelow(random, place + 1);
      [versions[place], versions[other]] = [versions[other] ?? 0, versions[place] ?? 0];
    }
    const unknown = { ...put("unknown", 1), version: VersionToken.unknown };
    const entries = versions.map((version, index) => put(`k${index}`, version));
    const store = counted(MemoryStore.of([...entries, unknown], at(count)));
    await using watching = startWatching({ store });
    let floor = 0;
    let floors = 0;
    while (floor < count) {
      floor = Math.min(count, floor + 1 + integerBelow(random, 6000));
      floors += 1;
      await bring(watching, [], { cursor: at(count + floors), floor: at(floor), caughtUp: true });
      const left = [...store.entries.values()].filter(({ version }) => !version.isUnknown);
      assert.equal(left.length, count - floor + 1);
      assert.ok(left.every(({ version }) => (version.toU64() ?? 0n) >= BigInt(floor)));
    }
    assert.ok(store.entries.has("unknown"));
    assert.ok(store.scans <= 4, `${store.scans} scans for ${floors} floors`);
  });

  test("of another making is heeded though the one before had come further", async () => {
    const store = copy();
    await using watching = startWatching({ store });
    await bring(watching, [], { cursor: at(60), floor: at(50), caughtUp: true });
    watching.source.current.fail(new MillpondError("cursor-expired", "made again"));
    await turns(10);
    watching.clock.advance(200);
    await bring(watching, [put("a", 1), put("b", 2)], { cursor: at(2), caughtUp: true });
    await bring(watching, [], { cursor: at(3), floor: at(2) });
    assert.deepEqual([...store.entries.keys()], ["b"]);
  });

  test("that has not moved does nothing", async () => {
    const store = copy();
    await using watching = startWatching({ store });
    await bring(watching, [], { cursor: at(6), floor: at(2), caughtUp: true });
    const { scans } = store;
    await bring(watching, [], { cursor: at(7), floor: at(2) });
    assert.equal(store.scans, scans);
    assert.equal(store.position.toU64(), 7n);
  });

  test("is heeded also when it comes in the middle of a repair", async () => {
    const store = copy();
    store.position = at(0);
    await using watching = startWatching({ store, resume: WatchCursor.none });
    await bring(watching, [put("a", 1)], { floor: at(3) });
    await bring(watching, [put("z", 9)], { caughtUp: true });
    assert.deepEqual([...store.entries.keys()], ["z"]);
  });

  for (const [what, limits, kept] of [
    ["retained where the bucket forgets by itself", { ...endless, discardsOld: true }, true],
    ["retained where nobody knows its limits", undefined, true],
    ["swept where only people can have dropped it", endless, false],
  ] as const) {
    test(`leaves behind what is ${what}, for a copy that retains`, async () => {
      const store = copy();
      const origin = originOf(limits === undefined ? {} : { limits });
      await using watching = startWatching({ store, origin, evictions: "retain" });
      await bring(watching, [], { cursor: at(9), floor: at(3), caughtUp: true });
      assert.deepEqual([...store.entries.keys()], kept ? ["a", "b", "c"] : ["c"]);
      assert.equal(store.position.toU64(), 9n);
    });
  }
});

describe("a copy that retains", () => {
  test("goes on with what expired, and takes the position", async () => {
    const store = copy();
    const origin = originOf({ limits: { ...endless, allowsTtl: true } });
    await using watching = startWatching({ store, origin, evictions: "retain" });
    const removal = { kind: "delete", key: "a", version: put("a", 7).version } as const;
    await bring(watching, [{ ...removal, reason: "expired" }], { caughtUp: true });
    assert.deepEqual([...store.entries.keys()], ["a", "b", "c"]);
    assert.equal(store.position.toU64(), 7n);
    await bring(watching, [{ ...removal, key: "b", reason: "deleted" }]);
    assert.deepEqual([...store.entries.keys()], ["a", "c"]);
  });

  test("keeps in a repair what the bucket may have forgotten, unless the bucket is another", async () => {
    for (const [verdict, keys] of [
      [undefined, ["a", "b", "c"]],
      ["foreign-cursor", ["b"]],
    ] as const) {
      const store = copy();
      store.position = at(0);
      const origin: CursorOrigin = {
        ...originOf({ limits: { ...endless, discardsOld: true } }),
        refusal: () => verdict ?? "cursor-expired",
      };
      await using watching = startWatching({ store, origin, evictions: "retain" });
      await bring(watching, [put("b", 2)], { cursor: at(9), caughtUp: true });
      assert.deepEqual([...store.entries.keys()], keys);
      assert.equal(store.position.toU64(), 9n);
    }
  });
});
