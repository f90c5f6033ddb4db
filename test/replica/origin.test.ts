import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { readSnapshot, verify } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { openInProcess } from "../../src/in-process/index.js";
import type { CopyIdentity, Evictions } from "../../src/rules/index.js";
import { OriginFile } from "../../src/replica/origin-file.js";
import { OriginNote } from "../../src/replica/origin-note.js";
import { ReplicaOrigin } from "../../src/replica/origin.js";
import { CurrentCopy } from "../../src/replica/current-copy.js";
import { MemoryStore } from "../support/memory-store.js";
import { GatedFileSystem } from "../support/gated-file-system.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { until } from "../support/until.js";
import { at } from "../support/scripted-source.js";

const LOG = "/copy/copy.snap";

interface Scene extends AsyncDisposable {
  readonly origin: ReplicaOrigin;
  /** How often the note was written. */
  writes(): number;
}

/** The origin of a copy of three keys at position 5, of an empty bucket; with what is noted already. */
async function scene(noted?: CopyIdentity, evictions: Evictions = "mirror"): Promise<Scene> {
  const connection = await openInProcess();
  const source = await connection.createBucket("b");
  const fs = new MemoryFileSystem();
  const file = new OriginFile(fs, "/copy");
  if (noted !== undefined) await file.write(noted);
  let writes = 0;
  fs.setHook(({ name }) => {
    if (name === "rename") writes += 1;
    return undefined;
  });
  const copy = { size: 3, cursor: () => at(5) };
  return {
    origin: new ReplicaOrigin(
      () => source.info(),
      copy,
      [""],
      await OriginNote.read({}, file),
      evictions,
    ),
    writes: () => writes,
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

const monday = { bucket: "b", created: "monday", firstSequence: 1n, records: 3 };

describe("the origin of a replica", () => {
  test("is written once for as long as it stays the same", async () => {
    await using noting = await scene();
    await noting.origin.adopt(monday);
    await noting.origin.adopt(monday);
    assert.equal(noting.writes(), 1);
    await noting.origin.adopt({ ...monday, created: "tuesday" });
    assert.equal(noting.writes(), 2);
  });

  test("is written again, after the log is synced, where the bucket did not account for the copy", async () => {
    await using noting = await scene();
    await noting.origin.adopt(monday);
    assert.equal(noting.origin.refusal({ ...monday, records: 2 }, at(5)), "cursor-expired");
    await noting.origin.adopt(monday);
    assert.equal(noting.writes(), 2);
  });

  test("is no reason to start over where the copy retains what the bucket forgot, unless that can forget nothing", async () => {
    const limits = { maxAgeMs: 1000, discardsOld: false, allowsTtl: false, markerTtlMs: undefined };
    for (const facts of [
      { ...monday, records: 2, limits },
      { ...monday, firstSequence: 6n, limits },
    ]) {
      await using retaining = await scene(undefined, "retain");
      await retaining.origin.adopt(monday);
      assert.equal(retaining.origin.refusal(facts, at(5)), undefined);
      const whole = { ...facts, limits: { ...limits, maxAgeMs: undefined } };
      assert.equal(retaining.origin.refusal(whole, at(5)), "cursor-expired");
      const other = { ...facts, created: "tuesday" };
      assert.equal(retaining.origin.refusal(other, at(5)), "foreign-cursor");
    }
  });

  test("is written again where the bucket was rolled back to before the copy's position", async () => {
    await using noting = await scene();
    await noting.origin.adopt(monday);
    await noting.origin.read();
    await noting.origin.adopt(monday);
    assert.equal(noting.writes(), 2);
  });

  test("that was only read from the disk is written, whatever the log may still hold", async () => {
    await using noting = await scene({ bucket: "b", created: "monday", scope: [""] });
    await noting.origin.adopt(monday);
    assert.equal(noting.writes(), 1);
  });
});

describe("the note of an origin", () => {
  const identity = { bucket: "b", created: "monday", scope: ["a.", "b."] };

  test("goes with each batch to a store that holds it, and to no file", async () => {
    const fs = new MemoryFileSystem();
    const store = new MemoryStore();
    store.holdsOrigin = true;
    const note = await OriginNote.read(store, new OriginFile(fs, "/copy"));
    assert.equal(note.identity, undefined);
    await note.write(identity);
    await new CurrentCopy(store, note).apply([], at(1));
    assert.deepEqual(await fs.list("/copy").catch(() => []), []);
    const again = await OriginNote.read(store, new OriginFile(fs, "/copy"));
    assert.deepEqual(again.identity, identity);
  });

  test("that cannot be read for a moment is not taken for one that is not there", async () => {
    for (const operation of ["stat", "open", "read"] as const) {
      const fs = new MemoryFileSystem();
      const file = new OriginFile(fs, "/copy");
      await file.write(identity);
      const fault = { error: systemError("EIO"), partialBytes: 0 };
      fs.setHook(({ name }) => (name === operation ? fault : undefined));
      await assert.rejects(OriginNote.read({}, file), (error) => {
        assert.ok(isMillpondError(error, "io"));
        return error.message.includes("/copy/replica.json");
      });
      fs.setHook(() => undefined);
      assert.deepEqual((await OriginNote.read({}, file)).identity, identity);
    }
  });

  test("in the store counts before a file that was left, which goes", async () => {
    const fs = new MemoryFileSystem();
    const file = new OriginFile(fs, "/copy");
    await file.write({ ...identity, created: "sunday" });
    const store = new MemoryStore();
    store.holdsOrigin = true;
    assert.equal((await OriginNote.read(store, file)).identity?.created, "sunday");
    await store.apply([], at(1), { origin: JSON.stringify({ format: 1, ...identity }) });
    assert.deepEqual((await OriginNote.read(store, file)).identity, identity);
    assert.equal(await file.read(), undefined);
  });

  test("is written to the file before a log of format 3 is made one of format 2", async () => {
    const fs = new MemoryFileSystem();
    const file = new OriginFile(fs, "/copy");
    await file.write({ ...identity, created: "sunday" });
    const first = await AppendLogSnapshot.open(LOG, { fs });
    await first.apply([], at(1), { origin: JSON.stringify({ format: 1, ...identity }) });
    await first.close();
    await using store = await AppendLogSnapshot.open(LOG, { fs, format: 2 });
    const note = await OriginNote.read(store, file);
    assert.deepEqual(note.identity, identity);
    assert.deepEqual(await file.read(), identity);
    await store.apply([], at(2), { origin: note.text });
    await until("it is converted", async () => (await verify(LOG, { fs })).format === 2);
    fs.losePower(() => 0);
    assert.deepEqual(await file.read(), identity);
  });

  test("of another bucket than the file says makes the file go before it counts", async () => {
    const fs = new MemoryFileSystem();
    const file = new OriginFile(fs, "/copy");
    const store = new MemoryStore();
    store.holdsOrigin = true;
    const note = await OriginNote.read(store, file);
    await file.write({ ...identity, created: "sunday" });
    fs.setHook(({ name }) =>
      name === "remove" ? { error: systemError("EIO"), partialBytes: 0 } : undefined,
    );
    await assert.rejects(note.write(identity), (error) => isMillpondError(error, "io"));
    assert.equal(note.identity, undefined);
    fs.setHook(() => undefined);
    await note.write(identity);
    assert.equal(await file.read(), undefined);
  });

  test("in a file comes after what a compaction under way has of the log is safe from a power loss", async () => {
    const fs = new GatedFileSystem();
    const file = new OriginFile(fs, "/copy");
    await using store = await AppendLogSnapshot.open(LOG, { fs, format: 2 });
    const note = await OriginNote.read(store, file);
    await note.write({ ...identity, created: "sunday" });
    await store.apply([], at(100));
    const renaming = fs.hold(({ name, path }) => name === "rename" && path.includes(".compact-"));
    const compacted = store.compact();
    await renaming;
    await store.apply([], WatchCursor.none);
    await note.write(identity);
    fs.release();
    await compacted;
    fs.losePower(() => 0);
    assert.equal((await readSnapshot(LOG, { fs }))?.cursor.isNone ?? true, true);
    assert.deepEqual(await file.read(), identity);
  });

  for (const text of ["", "{}", "null", '{"format":2,"bucket":"b","created":"c","scope":[""]}']) {
    test(`that reads ${JSON.stringify(text)} makes the position's origin unknown`, async () => {
      const store = new MemoryStore();
      await store.apply([], at(1), { origin: text });
      const note = await OriginNote.read(store, new OriginFile(new MemoryFileSystem(), "/copy"));
      assert.equal(note.identity, undefined);
    });
  }
});
