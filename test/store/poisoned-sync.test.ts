import assert from "node:assert/strict";
import { test } from "node:test";
import { readSnapshot } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { withCode } from "../support/log-files.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";

test("a sync that is asked for after one has failed rewrites the log from memory", async () => {
  const fs = new MemoryFileSystem();
  const store = await AppendLogSnapshot.open(PATH, { fs });
  await store.apply([put("a", "1", 1)], at(1));
  fs.setHook(({ name }) =>
    name === "sync" ? { error: systemError("EIO"), partialBytes: 0 } : undefined,
  );
  await assert.rejects(store.sync(), withCode("io"));
  fs.setHook(() => undefined);
  const { fileId } = (await fs.stat(PATH)) ?? {};
  await store.sync();
  assert.notEqual((await fs.stat(PATH))?.fileId, fileId);
  await store.close();
  const snapshot = await readSnapshot(PATH, { fs });
  assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1"]);
});
