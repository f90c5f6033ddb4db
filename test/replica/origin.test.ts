import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openInProcess } from "../../src/in-process/index.js";
import type { CopyIdentity } from "../../src/rules/index.js";
import { OriginFile } from "../../src/replica/origin-file.js";
import { OriginNote } from "../../src/replica/origin-note.js";
import { ReplicaOrigin } from "../../src/replica/origin.js";
import { CurrentCopy } from "../../src/replica/current-copy.js";
import { MemoryStore } from "../support/memory-store.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { at } from "../support/scripted-source.js";

interface Scene extends AsyncDisposable {
  readonly origin: ReplicaOrigin;
  /** How often the note was written. */
  writes(): number;
}

/** The origin of a copy of three keys at position 5, of an empty bucket; with what is noted already. */
async function scene(noted?: CopyIdentity): Promise<Scene> {
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
    origin: new ReplicaOrigin(source, copy, [""], await OriginNote.read({}, file)),
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

  test("in the store counts before a file that was left, which goes", async () => {
    const fs = new MemoryFileSystem();
    const file = new OriginFile(fs, "/copy");
    await file.write({ ...identity, created: "sunday" });
    const store = new MemoryStore();
    store.holdsOrigin = true;
    assert.equal((await OriginNote.read(store, file)).identity?.created, "sunday");
    await store.apply([], at(1), JSON.stringify({ format: 1, ...identity }));
    assert.deepEqual((await OriginNote.read(store, file)).identity, identity);
    assert.equal(await file.read(), undefined);
  });

  for (const text of ["", "{}", "null", '{"format":2,"bucket":"b","created":"c","scope":[""]}']) {
    test(`that reads ${JSON.stringify(text)} makes the position's origin unknown`, async () => {
      const store = new MemoryStore();
      await store.apply([], at(1), text);
      const note = await OriginNote.read(store, new OriginFile(new MemoryFileSystem(), "/copy"));
      assert.equal(note.identity, undefined);
    });
  }
});
