import assert from "node:assert/strict";
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openInProcess } from "../../src/in-process/index.js";
import { openReplica, type Replica } from "../../src/replica/index.js";
import { CurrentCopy } from "../../src/replica/current-copy.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { MemoryStore } from "../support/memory-store.js";
import { at, put, removal } from "../support/scripted-source.js";
import { openScene } from "../support/scene.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

/** In bytes, by the log's format. */
const LARGEST_VALUE = 16 * 1024 * 1024;

function keysOf(replica: Replica, prefix?: string): string[] {
  return Array.from(replica.entries(prefix), ({ key }) => key);
}

describe("reads of a replica", () => {
  test("give entries of a prefix in the order of the keys' bytes, with revisions", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    for (const key of ["a.2", "b", "a.10", "a-1"]) await source.put(key, bytes(key));
    await source.putRaw("a.\u{10000}", bytes("last"));
    await source.putRaw("a.\uffee", bytes("last but one"));
    await using replica = await openReplica({ source, path });
    await replica.ready();
    assert.deepEqual(keysOf(replica, "a."), ["a.10", "a.2", "a.\uffee", "a.\u{10000}"]);
    assert.deepEqual(keysOf(replica).length, 6);
    assert.deepEqual(replica.entry("a.2")?.revision, 1n);
    assert.equal(replica.entry("a.3"), undefined);
  });

  test("give values that are the caller's own", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await source.put("a", bytes("1"));
    await using replica = await openReplica({ source, path });
    await replica.ready();
    replica.get("a")?.fill(0);
    assert.deepEqual(replica.get("a"), bytes("1"));
  });

  test("tell an empty value from none", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await source.put("empty", new Uint8Array(0));
    await using replica = await openReplica({ source, path });
    await replica.ready();
    assert.deepEqual(replica.get("empty"), new Uint8Array(0));
    assert.equal(replica.get("none"), undefined);
  });

  test("go on with what arrives while the disk fails, and the cursor stands still until it works", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await source.put("a", bytes("1"));
    const store = new MemoryStore();
    await using replica = await openReplica({
      source,
      path,
      retry: { minMs: 1, maxMs: 2 },
      openStore: async () => store,
    });
    await replica.ready();
    store.error = new Error("no space left on device");
    await source.put("b", bytes("2"));
    await source.delete("a");
    await until("the updates are seen", () => replica.status().received === 3);
    await assertMirrors(replica, source);
    assert.equal(replica.size, 1);
    const failing = replica.status();
    assert.equal(failing.cursor.toU64(), 1n);
    assert.deepEqual(
      [failing.state, failing.store.ok, failing.lastError],
      ["live", false, store.error],
    );
    store.error = undefined;
    await until("the store has caught up", () => replica.status().store.ok);
    assert.equal(replica.status().cursor.toU64(), 3n);
    await assertMirrors(replica, source);
  });
});

describe("a replica with a log of format 2 that cannot note whose copy it is", () => {
  test("says that its disk fails, not the bucket, and goes on once it can", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await source.put("a", bytes("1"));
    // In the way of the file that is to become replica.json.
    await mkdir(join(path, "replica.json.tmp"), { recursive: true });
    const told: string[] = [];
    await using replica = await openReplica({
      source,
      path,
      format: 2,
      retry: { minMs: 1, maxMs: 2 },
      onEvent: ({ type }) => void told.push(type),
    });
    await until("it fails", () => !replica.status().store.ok);
    assert.ok(isMillpondError(replica.status().lastError, "io"));
    await rmdir(join(path, "replica.json.tmp"));
    await replica.ready();
    assert.ok(replica.status().store.ok);
    assert.ok(told.includes("store-recovered"));
    assert.ok(!told.includes("retrying"));
  });
});

describe("a replica that is sent a value that no log can hold", () => {
  test("fails, names the key, and still reads what it has", async () => {
    await using directory = await tempDirectory();
    await using connection = await openInProcess({ maxValueBytes: 2 * LARGEST_VALUE });
    const source = await connection.createBucket("b", { maxBytes: 4 * LARGEST_VALUE });
    await source.put("a", bytes("1"));
    await using replica = await openReplica({ source, path: directory.file("copy") });
    await replica.ready();
    await source.put("too.large", new Uint8Array(LARGEST_VALUE + 1));
    await until("it has failed", () => replica.status().state === "failed");
    const { lastError, cursor, store } = replica.status();
    assert.ok(isMillpondError(lastError, "invalid-format"));
    assert.match(lastError.message, /"too\.large"/);
    assert.deepEqual([cursor.toU64(), store.ok], [1n, false]);
    assert.deepEqual(replica.get("a"), bytes("1"));
  });
});

describe("a replica whose disk fails for so long that nothing more can be held", () => {
  test("says that it is stale, and is live again once the disk works and it has caught up", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    const store = new MemoryStore();
    await using replica = await openReplica({
      source,
      path,
      retry: { minMs: 1, maxMs: 2 },
      held: { maxUpdates: 2 },
      openStore: async () => store,
    });
    await replica.ready();
    store.error = new Error("no space left on device");
    for (let count = 0; count < 5; count += 1) await source.put(`a.${count}`, bytes("1"));
    await until("it says that it is stale", () => replica.status().state === "stale");
    store.error = undefined;
    await until("it is live again", () => replica.status().state === "live");
    await assertMirrors(replica, source);
  });
});

describe("a replica whose log cannot be compacted", () => {
  test("says why, loses nothing, and says so no longer once it can be", async () => {
    const fs = new MemoryFileSystem();
    await using connection = await openInProcess();
    const source = await connection.createBucket("b");
    await using replica = await openReplica({ source, path: "/copy", fs, compactThreshold: 500 });
    await replica.ready();
    fs.setHook(({ name }) =>
      name === "rename" ? { error: systemError("EIO"), partialBytes: 0 } : undefined,
    );
    const untilTold = async (isTold: () => boolean): Promise<void> => {
      await until("the status says it", async () => {
        await source.put("a", bytes("x".repeat(100)));
        return isTold();
      });
    };
    await untilTold(() => isMillpondError(replica.status().store.compactionError, "io"));
    assert.ok(replica.status().store.ok);
    fs.setHook(() => undefined);
    await untilTold(() => replica.status().store.compactionError === undefined);
    await until("it has caught up", async () => {
      const { lastSequence } = await source.info();
      return replica.status().cursor.toU64() === lastSequence;
    });
    await assertMirrors(replica, source);
  });
});

describe("the copy that is read", () => {
  test("shows what is ahead of the store among what the store has, in order", () => {
    const copy = new CurrentCopy(
      MemoryStore.of([put("b", 1), put("d", 2), put("f", 3), put("h", 4)], at(4)),
      { text: undefined },
    );
    copy.show([
      put("a", 5),
      put("c", 6),
      removal("d", 7),
      put("f", 8),
      removal("x", 9),
      put("z", 10),
    ]);
    assert.deepEqual(
      Array.from(copy.range(""), ({ key, version }) => `${key}@${version.toU64()}`),
      ["a@5", "b@1", "c@6", "f@8", "h@4", "z@10"],
    );
    assert.equal(copy.size, 6);
    assert.equal(copy.get("d"), undefined);
  });

  test("is walked as it was when the walk was asked for, whatever comes before its first step", async () => {
    const copy = new CurrentCopy(MemoryStore.of([put("a", 1), put("c", 2)], at(2)), {
      text: undefined,
    });
    const ahead = put("b", 3);
    copy.show([ahead]);
    const walk = copy.range("");
    copy.show([put("a", 4), removal("c", 5)]);
    await copy.apply([ahead, put("a", 4)], at(4));
    const seen = Array.from(walk, ({ key, version }) => `${key}@${version.toU64()}`);
    assert.deepEqual(seen, ["a@1", "b@3", "c@2"]);
  });

  test("does not fall back when the store takes an older update of a key", async () => {
    const copy = new CurrentCopy(new MemoryStore(), { text: undefined });
    const older = put("a", 1);
    const newer = put("a", 2);
    copy.show([older]);
    copy.show([newer]);
    await copy.apply([older], at(1));
    assert.equal(copy.get("a")?.version.toU64(), 2n);
    await copy.apply([newer], at(2));
    assert.equal(copy.get("a")?.version.toU64(), 2n);
  });
});
