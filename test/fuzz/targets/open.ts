import assert from "node:assert/strict";
import { load, SnapshotWriter } from "../../../src/log/index.js";
import type { FileSystem } from "../../../src/platform/index.js";
import { AppendLogSnapshot } from "../../../src/store/index.js";
import { HUGE } from "../../support/log-files.js";
import type { MemoryFileSystem } from "../../support/memory-file-system.js";
import { at, put } from "../../support/updates.js";
import { diskWith, LOG_PATH } from "../../support/v3-logs.js";
import { logTargets } from "../logs/log-target.js";
import { loaded, NOTHING, plainly, shown } from "../logs/readers.js";
import { refusal, type Verdict } from "../target.js";

const ADDED = put("added.by.the.test", "value", 77);

/**
 * What a log reads to is what whoever opens it for writing has, what is written behind it can be read with it, and what rewrites
 * it changes nothing: `load`, a compaction of the writer's, and the store's. A damaged log is left as it is, where it is to be.
 */
async function check(bytes: Buffer): Promise<Verdict> {
  const { ending, text } = await plainly(bytes);
  const isTornHeader = ending.failed && (await opensAfresh(bytes));
  if (ending.failed && !isTornHeader) {
    await requireUntouched(bytes);
    return ending.code as Verdict;
  }
  await requireLoad(bytes, isTornHeader ? undefined : text);
  await requireWriter(bytes, isTornHeader ? NOTHING : text);
  await requireStore(bytes, isTornHeader ? NOTHING : text);
  return "accepted";
}

/** Whether a header that reading refuses is one that a crash cut short, for whoever writes. */
async function opensAfresh(bytes: Buffer): Promise<boolean> {
  if (bytes.length >= 24) return false;
  const fs = await diskWith(bytes);
  try {
    const writer = await SnapshotWriter.open(LOG_PATH, HUGE, { fs, onCorruption: "throw" });
    await writer.close();
    return true;
  } catch {
    return false;
  }
}

async function requireUntouched(bytes: Buffer): Promise<void> {
  const fs = await diskWith(bytes);
  const options = { fs, onCorruption: "throw" } as const;
  for (const open of [
    () => load(LOG_PATH, { fs }),
    () => SnapshotWriter.open(LOG_PATH, HUGE, options),
    () => AppendLogSnapshot.open(LOG_PATH, options),
  ]) {
    await assert.rejects(open, (error) => {
      refusal(error, ["corrupted", "invalid-format"]);
      return true;
    });
    assert.deepEqual(fs.names, [LOG_PATH]);
    assert.ok(fs.content(LOG_PATH)?.equals(bytes), "it was written to");
  }
}

async function requireLoad(bytes: Buffer, text: string | undefined): Promise<void> {
  if (text === undefined) return;
  const fs = await diskWith(bytes);
  const before = await loaded(fs);
  await load(LOG_PATH, { fs });
  assert.equal(await loaded(fs), before, "load changed the state");
  const once = fs.content(LOG_PATH);
  await load(LOG_PATH, { fs });
  assert.equal(fs.content(LOG_PATH), once, "load rewrote what it had made");
}

async function requireWriter(bytes: Buffer, text: string): Promise<void> {
  const fs = await diskWith(bytes);
  const writer = await SnapshotWriter.open(LOG_PATH, HUGE, { fs, onCorruption: "throw" });
  try {
    requireSize(fs, writer.size);
    assert.equal((await plainlyOn(fs)).text, text, "the open changed the state");
    writer.writeUpdate(ADDED);
    await writer.checkpoint(at(77));
    const written = (await plainlyOn(fs)).text;
    assert.ok(written.includes("added.by.the.test"), "what was written cannot be read");
    await writer.compact();
    assert.equal((await plainlyOn(fs)).text, written, "a compaction changed the state");
  } finally {
    await writer.close();
  }
}

async function requireStore(bytes: Buffer, text: string): Promise<void> {
  const fs = await diskWith(bytes);
  const store = await AppendLogSnapshot.open(LOG_PATH, { fs, onCorruption: "throw" });
  try {
    const told = (): string =>
      shown(store.range(""), {
        cursor: store.cursor(),
        cursorTimeNs: store.cursorTimeNs(),
        origin: store.origin(),
      });
    assert.equal(told(), text, "the store has another state");
    await store.apply([ADDED], at(77));
    const written = told();
    assert.equal((await plainlyOn(fs)).text, written);
    await store.compact();
    assert.equal(told(), written, "a compaction changed the state");
    assert.equal((await plainlyOn(fs)).text, written, "a compaction changed the log's state");
  } finally {
    await store.close();
  }
}

async function plainlyOn(fs: MemoryFileSystem): Promise<{ text: string }> {
  const { ending, text } = await plainly(fs.content(LOG_PATH) ?? Buffer.alloc(0));
  assert.ok(
    !ending.failed && ending.goodBytes === fs.content(LOG_PATH)?.length,
    "it does not read",
  );
  return { text };
}

function requireSize(fs: FileSystem, size: number): void {
  assert.equal(fs.statSync(LOG_PATH)?.size, size);
}

export const openTargets = logTargets({ name: "open", share: 40, check });
