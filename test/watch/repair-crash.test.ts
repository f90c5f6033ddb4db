import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type InProcessBucket,
  type InProcessConnection,
  openInProcess,
} from "../../src/in-process/index.js";
import type { KvUpdate } from "../../src/values/index.js";
import { watchApplied } from "../../src/watch/index.js";
import { bytes } from "../support/bucket.js";
import { shown, shownBucket } from "../support/copies.js";
import { MemoryStore } from "../support/memory-store.js";
import { until } from "../support/until.js";

/** What is on the disk: a log, and who its position belongs to. It survives the process. */
interface Disk {
  readonly store: MemoryStore;
  created: string | undefined;
}

/** Where the process dies: at which of its writes, and whether that one still reached the disk. */
interface Crash {
  readonly write: number;
  readonly reachesDisk: boolean;
  /** How many differences may be held back: many, and the repair is one write; one, and it shows key by key. */
  readonly held: number;
}

const crashed = new Error("the process is dead");

/** Runs a process over the disk until its watch has caught up, or until it has died. Says which. */
async function run(bucket: InProcessBucket, disk: Disk, crash?: Crash): Promise<"live" | "dead"> {
  let writes = 0;
  let outcome: "live" | "dead" | undefined;
  const write = async (effect: () => void | Promise<void>): Promise<void> => {
    if (outcome === "dead") throw crashed;
    const isLast = crash !== undefined && writes === crash.write;
    writes += 1;
    if (isLast) outcome = "dead";
    if (!isLast || crash.reachesDisk) await effect();
    if (isLast) throw crashed;
  };
  const store = MemoryStore.of([...disk.store.entries.values()], disk.store.position);
  const apply = store.apply.bind(store);
  store.apply = (updates, cursor) =>
    write(async () => {
      await apply(updates, cursor);
      await disk.store.apply(updates, cursor);
    });
  const controller = new AbortController();
  const done = watchApplied<KvUpdate>({
    source: bucket,
    store,
    origin: {
      read: async () => ({ bucket: bucket.name, ...(await bucket.info()) }),
      refusal: ({ created }) => (created === disk.created ? undefined : "foreign-cursor"),
      adopt: ({ created }) =>
        write(() => {
          disk.created = created;
        }),
    },
    parse: (update) => update,
    apply: () => undefined,
    onEvent: ({ type }) => {
      if (type === "caught-up" && outcome === undefined) outcome = "live";
    },
    // Small, so that there are many writes to die at.
    batch: { windowMs: 0, maxUpdates: 2, queueCapacity: 2 },
    retry: { minMs: 1, maxMs: 1 },
    ...(crash === undefined ? {} : { held: { maxUpdates: crash.held } }),
    maxStoreFailures: Infinity,
    signal: controller.signal,
  });
  const reached = await until("caught up or dead", () => outcome);
  controller.abort();
  await done;
  return reached;
}

async function assertIsBucket(disk: Disk, bucket: InProcessBucket, what: string): Promise<void> {
  assert.deepEqual(shown(disk.store.entries.values()), await shownBucket(bucket), what);
}

/** A bucket and a copy of it as it was before half of its keys were deleted and the markers forgotten. */
async function prepare(connection: InProcessConnection): Promise<[InProcessBucket, Disk]> {
  const bucket = await connection.createBucket("b");
  const disk: Disk = { store: new MemoryStore(), created: undefined };
  for (let key = 0; key < 10; key += 1) await bucket.put(`key.${key}`, bytes("old"));
  assert.equal(await run(bucket, disk), "live");
  for (let key = 0; key < 5; key += 1) await bucket.delete(`key.${key}`);
  await bucket.put("key.7", bytes("new"));
  await bucket.put("key.8", bytes("new"));
  await bucket.evictBefore(17n);
  return [bucket, disk];
}

/** The bucket made again, with other keys, and grown past every position that its earlier making had. */
async function makeAgain(connection: InProcessConnection): Promise<InProcessBucket> {
  await connection.deleteBucket("b");
  const bucket = await connection.createBucket("b");
  // Stays the first, so that every old position looks sound to a stream's window.
  await bucket.put("other.first", bytes("made again"));
  for (let revision = 0; revision < 40; revision += 1) {
    await bucket.put(`other.${revision % 4}`, bytes("made again"));
  }
  return bucket;
}

/** Every crash point of a process that repairs, until there is one that it does not reach. */
async function eachCrash(body: (crash: Crash) => Promise<"live" | "dead">): Promise<void> {
  for (const held of [1000, 1]) {
    for (const reachesDisk of [false, true]) {
      let outcome: "live" | "dead" = "dead";
      let write = 0;
      for (; outcome === "dead"; write += 1) outcome = await body({ write, reachesDisk, held });
      // Withdrawal, origin and the whole; or each difference, the removals and the position. Fewer: nothing was tested.
      const least = held === 1 ? 5 : 3;
      assert.ok(write > least, `only ${write} crash points`);
    }
  }
}

describe("a process that dies in the middle of a repair", () => {
  test("at any write leaves a copy that the next one makes equal to the bucket", async () => {
    await eachCrash(async (crash) => {
      await using connection = await openInProcess();
      const [bucket, disk] = await prepare(connection);
      const outcome = await run(bucket, disk, crash);
      assert.equal(await run(bucket, disk), "live");
      await assertIsBucket(disk, bucket, JSON.stringify(crash));
      return outcome;
    });
  });

  test("at any write, with writes to the bucket before the next one, still ends equal to it", async () => {
    await eachCrash(async (crash) => {
      await using connection = await openInProcess();
      const [bucket, disk] = await prepare(connection);
      const outcome = await run(bucket, disk, crash);
      await bucket.delete("key.8");
      await bucket.put("key.0", bytes("back"));
      assert.equal(await run(bucket, disk), "live");
      await assertIsBucket(disk, bucket, JSON.stringify(crash));
      return outcome;
    });
  });

  test("at any write, while repairing after the bucket was made again, still ends equal to it", async () => {
    await eachCrash(async (crash) => {
      await using connection = await openInProcess();
      const [, disk] = await prepare(connection);
      const bucket = await makeAgain(connection);
      const outcome = await run(bucket, disk, crash);
      assert.equal(await run(bucket, disk), "live");
      await assertIsBucket(disk, bucket, JSON.stringify(crash));
      return outcome;
    });
  });

  test("at any write, with the bucket made again before the next one, still ends equal to it", async () => {
    await eachCrash(async (crash) => {
      await using connection = await openInProcess();
      const [old, disk] = await prepare(connection);
      const outcome = await run(old, disk, crash);
      const bucket = await makeAgain(connection);
      assert.equal(await run(bucket, disk), "live");
      await assertIsBucket(disk, bucket, JSON.stringify(crash));
      return outcome;
    });
  });
});
