import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openInProcess } from "../../src/in-process/index.js";
import { openReplica } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { until } from "../support/until.js";

const path = "/copy";
const retry = { minMs: 1, maxMs: 5 };

/** No write gets through whole from now on. */
function fill(fs: MemoryFileSystem): void {
  fs.setHook(({ name, bytes: length = 0 }) =>
    name === "writeSync" || name === "write"
      ? { error: systemError("ENOSPC"), partialBytes: Math.floor(length / 2) }
      : undefined,
  );
}

function makeRoom(fs: MemoryFileSystem): void {
  fs.setHook(() => undefined);
}

describe("a replica whose disk is full", () => {
  test("follows on in memory with its cursor frozen, and its log has all of it once there is room", async () => {
    const fs = new MemoryFileSystem();
    await using connection = await openInProcess();
    const source = await connection.createBucket("b");
    await source.put("a", bytes("1"));
    {
      await using replica = await openReplica({ source, path, fs, retry });
      await replica.ready();
      const frozen = replica.status().cursor;
      fill(fs);
      for (let count = 0; count < 50; count += 1) {
        await replica.waitFor(await source.put(`k.${count % 7}`, bytes(`${count}`)));
      }
      await replica.waitFor(await source.delete("a"));
      await assertMirrors(replica, source);
      const { state, cursor, store, lastErrorCode, asOf } = replica.status();
      assert.deepEqual([state, cursor, store.ok], ["live", frozen, false]);
      assert.ok(store.failingSince !== undefined && asOf !== undefined);
      assert.ok(asOf >= store.failingSince);
      assert.equal(lastErrorCode, "io");
      makeRoom(fs);
      await until("the log has caught up", () => replica.status().store.ok);
      const { lastSequence } = await source.info();
      await until("so has the cursor", () => replica.status().cursor.toU64() === lastSequence);
    }
    connection.disconnect();
    await using replica = await openReplica({ source, path, fs, retry });
    assert.equal(replica.size, 7);
    connection.reconnect();
    await replica.ready();
    assert.deepEqual([replica.status().resumed, replica.status().missed], [true, 0]);
    await assertMirrors(replica, source);
  });

  test("takes no more than it may hold, says that it is stale, and is live again once there is room", async () => {
    const fs = new MemoryFileSystem();
    await using connection = await openInProcess();
    const source = await connection.createBucket("b");
    const held = { maxUpdates: 10 };
    await using replica = await openReplica({ source, path, fs, retry, held });
    await replica.ready();
    fill(fs);
    for (let count = 0; count < 2000; count += 1) await source.put(`k.${count}`, bytes("1"));
    await until("it says that it is stale", () => replica.status().state === "stale");
    // What may be held, and one batch more.
    assert.ok(replica.size <= 10 + 256, String(replica.size));
    const { asOf } = replica.status();
    makeRoom(fs);
    await until("it is live", () => replica.status().state === "live");
    await until("it is level", () => replica.status().lag.pending === 0 && replica.size === 2000);
    assert.ok((replica.status().asOf ?? 0) >= (asOf ?? 0));
    await assertMirrors(replica, source);
  });

  test("while its copy is repaired serves all of it throughout, and never a position that a crash could resume", async () => {
    const fs = new MemoryFileSystem();
    await using connection = await openInProcess();
    const first = await connection.createBucket("b");
    for (const key of ["gone", "same", "new"]) await first.put(key, bytes("old"));
    {
      await using replica = await openReplica({ source: first, path, fs, retry });
      await replica.ready();
    }
    await connection.deleteBucket("b");
    const source = await connection.createBucket("b");
    for (const key of ["first", "same", "new", "new", "new"]) await source.put(key, bytes("new"));
    const opening = openReplica({ source, path, fs, retry });
    fill(fs);
    {
      await using replica = await opening;
      await until("the disk fails", () => !replica.status().store.ok);
      assert.ok(isMillpondError(replica.status().lastError, "io"));
      // The old copy or the new one, never half of one.
      const keys = Array.from(replica.entries(), ({ key }) => key).join();
      assert.ok(["gone,new,same", "first,new,same"].includes(keys), keys);
      makeRoom(fs);
      await replica.ready();
      await until("it is written", () => replica.status().store.ok);
      await assertMirrors(replica, source);
      assert.equal(replica.status().counters.repairs, 1);
    }
    await using replica = await openReplica({ source, path, fs, retry });
    await replica.ready();
    assert.equal(replica.status().resumed, true);
    await assertMirrors(replica, source);
  });
});
