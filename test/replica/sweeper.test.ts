import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Expiry } from "../../src/replica/expiry.js";
import { ServerTime } from "../../src/replica/server-time.js";
import { Sweeper } from "../../src/replica/sweeper.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import type { KvPut } from "../../src/values/index.js";
import type { SeenEntry } from "../../src/watch/index.js";
import { MemoryStore } from "../support/memory-store.js";
import { put } from "../support/scripted-source.js";
import { turns } from "../support/watching.js";

const SECOND = 1000;
const STEP = 20;

interface Scene {
  readonly clock: ManualClock;
  readonly time: ServerTime;
  readonly expiry: Expiry;
  readonly store: MemoryStore;
  readonly sweeper: Sweeper;
  /** The keys that it had removed, in order, a list for each call. */
  readonly removed: string[][];
  /** Lets time pass, and what it brings about happen. */
  pass(ms: number): Promise<void>;
  add(...entries: KvPut[]): void;
}

const confirmed = async (): Promise<boolean> => true;

function openScene(
  maxAgeMs: number | undefined,
  confirm: () => Promise<boolean> = confirmed,
): Scene {
  const clock = new ManualClock();
  const time = new ServerTime(clock);
  const expiry = new Expiry("mirror", time, { maxAgeMs, allowsTtl: true });
  const store = new MemoryStore();
  const removed: string[][] = [];
  const remove = async (entries: readonly SeenEntry[]): Promise<number> => {
    removed.push(entries.map(({ key }) => key));
    for (const { key } of entries) store.entries.delete(key);
    return entries.length;
  };
  const confirmTime = (): Promise<boolean> => confirm();
  const sweeper = new Sweeper({ copy: store, expiry, clock, remove, confirmTime });
  const add = (...entries: KvPut[]): void => {
    for (const entry of entries) store.entries.set(entry.key, entry);
    sweeper.noticed(entries);
  };
  const pass = async (ms: number): Promise<void> => {
    // In small steps: a pass that is given a turn only after a leap would seem to have taken that long.
    for (let left = ms; ; left -= STEP) {
      clock.advance(Math.min(left, STEP));
      await turns(2);
      if (left <= STEP) return;
    }
  };
  return { clock, time, expiry, store, sweeper, removed, pass, add };
}

function dated(key: string, timeMs: number, ttlMs?: number): KvPut {
  return { ...put(key, 1), timeMs, ...(ttlMs === undefined ? {} : { ttlMs }) };
}

describe("the sweeper", () => {
  test("removes what is over when a copy is opened, and later each entry a second after its time at most", async () => {
    const scene = openScene(10 * SECOND);
    const now = scene.clock.now();
    for (const entry of [dated("old", now - 10 * SECOND), dated("b", now), dated("c", now, 4000)]) {
      scene.store.entries.set(entry.key, entry);
    }
    scene.sweeper.begin();
    await scene.pass(0);
    assert.deepEqual(scene.removed, [["old"]]);
    await scene.pass(4 * SECOND);
    assert.deepEqual(scene.removed, [["old"], ["c"]]);
    scene.add(dated("d", now + 4 * SECOND, 500));
    await scene.pass(SECOND);
    assert.deepEqual(scene.removed.at(-1), ["d"]);
    await scene.pass(5 * SECOND);
    assert.deepEqual(scene.removed.at(-1), ["b"]);
  });

  test("leaves alone what has no end, and does not look again for it", async () => {
    const scene = openScene(undefined);
    scene.add(dated("a", scene.clock.now()));
    scene.sweeper.begin();
    await scene.pass(0);
    scene.clock.advance(24 * 3600 * SECOND);
    await turns(5);
    assert.deepEqual(scene.removed, []);
    assert.equal(scene.clock.waiting, 0);
  });

  test("goes over the copy no more often than once a second", async () => {
    const scene = openScene(SECOND);
    scene.sweeper.begin();
    await scene.pass(0);
    for (let count = 0; count < 30; count += 1) {
      scene.add(dated(`k${count}`, scene.clock.now() - SECOND));
      await scene.pass(SECOND / 10);
    }
    assert.ok(scene.removed.length <= 3, String(scene.removed.length));
    await scene.pass(SECOND);
    assert.equal(scene.removed.flat().length, 30);
  });

  test("removes many in batches that a watch takes", async () => {
    const scene = openScene(SECOND);
    const then = scene.clock.now() - SECOND;
    scene.add(...Array.from({ length: 2500 }, (_, index) => dated(`k${index}`, then)));
    scene.sweeper.begin();
    await scene.pass(0);
    assert.deepEqual(
      scene.removed.map(({ length }) => length),
      [1000, 1000, 500],
    );
  });

  test("tries again what could not be removed, and waits for nothing once it has ended", async () => {
    const scene = openScene(SECOND);
    const { clock, expiry, store } = scene;
    let failures = 2;
    const remove = async (entries: readonly SeenEntry[]): Promise<number> => {
      failures -= 1;
      if (failures >= 0) throw new Error("not now");
      for (const { key } of entries) store.entries.delete(key);
      return entries.length;
    };
    const sweeper = new Sweeper({ copy: store, expiry, clock, remove, confirmTime: confirmed });
    store.entries.set("a", dated("a", clock.now() - SECOND));
    sweeper.begin();
    for (let count = 0; count < 4; count += 1) await scene.pass(SECOND);
    assert.equal(store.size, 0);
    await sweeper.end();
    sweeper.begin();
    assert.equal(clock.waiting, 0);
  });

  test("begins anew with other limits", async () => {
    const scene = openScene(undefined);
    scene.add(dated("a", scene.clock.now() - 5 * SECOND));
    scene.sweeper.begin();
    await scene.pass(SECOND);
    assert.deepEqual(scene.removed, []);
    scene.expiry.limitTo({ maxAgeMs: 5 * SECOND, allowsTtl: true });
    scene.sweeper.begin();
    await scene.pass(SECOND);
    assert.deepEqual(scene.removed, [["a"]]);
  });

  test("removes nothing before the bucket has said what time it is, and then what is over by that", async () => {
    const answers: (boolean | Error)[] = [new Error("no answer"), false, true];
    const scene = openScene(10 * SECOND, async () => {
      const answer = answers.shift() ?? true;
      if (answer instanceof Error) throw answer;
      // Our clock is an hour ahead of what it was.
      if (answer) scene.time.heard(scene.clock.now() - 3600 * SECOND, scene.clock.now());
      return answer;
    });
    const now = scene.clock.now();
    scene.store.entries.set("live", dated("live", now - 3600 * SECOND));
    scene.store.entries.set("over", dated("over", now - 3610 * SECOND));
    scene.sweeper.begin();
    await scene.pass(1500);
    assert.deepEqual([scene.removed, answers.length], [[], 1]);
    await scene.pass(2 * SECOND);
    assert.deepEqual(scene.removed, [["over"]]);
    await scene.pass(7 * SECOND);
    assert.deepEqual(scene.removed, [["over"], ["live"]]);
  });

  test("waits for no answer once it has ended", async () => {
    const scene = openScene(SECOND, () => new Promise(() => undefined));
    scene.store.entries.set("a", dated("a", scene.clock.now() - SECOND));
    scene.sweeper.begin();
    await scene.pass(0);
    await scene.sweeper.end();
    assert.deepEqual(scene.removed, []);
  });
});
