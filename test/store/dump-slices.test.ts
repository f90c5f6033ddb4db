import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { verify } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { at, put } from "../support/updates.js";

const PATH = "/copy/copy.snap";
/** More than a compaction of a few entries has between its first operation and its last. */
const MICROTASKS = 200;

async function microtasks(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed += 1) await Promise.resolve();
}

describe("a batch that comes in the middle of a compaction", () => {
  test("at whatever moment leaves what the compaction writes as it was read", async () => {
    const fs = new MemoryFileSystem();
    const store = await AppendLogSnapshot.open(PATH, { fs });
    let revision = 0;
    const apply = async (key: string): Promise<void> => {
      revision += 1;
      await store.apply([put(key, "v".repeat(100), revision)], at(revision));
    };
    for (let key = 0; key < 10; key += 1) await apply(`old.${key}`);
    for (let passed = 0; passed < MICROTASKS; passed += 1) {
      const compacted = store.compact();
      await microtasks(passed);
      const applied = apply(`new.${passed}`);
      await Promise.all([compacted, applied]);
      const { result } = await verify(PATH, { fs });
      assert.equal(result, "ok", `after ${passed} microtasks`);
    }
    await store.close();
    const again = await AppendLogSnapshot.open(PATH, { fs, onCorruption: "throw" });
    assert.equal(again.size, 10 + MICROTASKS);
    await again.close();
  });
});
