import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { type LogFormat, readSnapshot } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";
const BATCHES = 6;

async function damagedLog(format: LogFormat): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const store = await AppendLogSnapshot.open(PATH, { fs, format });
  for (let batch = 1; batch <= BATCHES; batch += 1) {
    await store.apply([put(`key.${batch}`, `value ${batch}`, batch)], at(batch));
  }
  await store.close();
  flipIn(fs, `value ${BATCHES - 1}`);
  return fs;
}

function flipIn(fs: MemoryFileSystem, value: string): void {
  const bytes = fs.content(PATH);
  const offset = bytes?.indexOf(value) ?? -1;
  if (bytes === undefined || offset < 0) return;
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
}

async function openOn(fs: MemoryFileSystem): Promise<AppendLogSnapshot | undefined> {
  try {
    return await AppendLogSnapshot.open(PATH, { fs });
  } catch (error) {
    assert.ok(isMillpondError(error, "io"), String(error));
    return undefined;
  }
}

describe("a log that rots further while it is healed", () => {
  for (const format of [2, 3] as const) {
    test(`never has less than what its store shows, or is not opened (format ${format})`, async () => {
      let [opened, refused] = [0, 0];
      for (let rotsAt = 0; ; rotsAt += 1) {
        const fs = await damagedLog(format);
        let reads = 0;
        fs.setHook(({ name, path }) => {
          if (name === "read" && path === PATH && reads++ === rotsAt) flipIn(fs, "value 2");
          return undefined;
        });
        const store = await openOn(fs);
        fs.setHook(() => undefined);
        if (store === undefined) refused += 1;
        else opened += 1;
        const shown = await openIfNot(store, fs);
        const snapshot = await readSnapshot(PATH, { fs });
        assert.deepEqual(told(snapshot?.entries.values() ?? []), told(shown.range("")));
        assert.deepEqual(snapshot?.cursor, shown.cursor());
        await shown.close();
        if (reads <= rotsAt) break;
      }
      assert.ok(opened > 0 && refused > 0, `${opened} opened, ${refused} refused`);
    });
  }
});

/** Whoever was refused opens it again, and finds a damaged log as any other. */
async function openIfNot(
  store: AppendLogSnapshot | undefined,
  fs: MemoryFileSystem,
): Promise<AppendLogSnapshot> {
  return store ?? (await AppendLogSnapshot.open(PATH, { fs }));
}
