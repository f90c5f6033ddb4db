import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../../src/errors/index.js";
import { WatchCursor } from "../../../src/values/index.js";
import {
  readSnapshot,
  SnapshotWriter,
  verify,
  type LogRepair,
  type SnapshotWriterOptions,
} from "../../../src/log/index.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { HUGE, withCode } from "../../support/log-files.js";
import { MemoryFileSystem, systemError } from "../../support/memory-file-system.js";
import { at, put, told } from "../../support/updates.js";

const PATH = "/disk/log.snap";
/** As {@link ManualClock} begins. */
const FIRST_ASIDE = `${PATH}.corrupt-20260101T000000000Z`;
const BATCHES = 5;
/** Where a record's first value is, from its start: behind the key "same". */
const IN_VALUE = 17;

/** A log of five batches of two puts, each with its cursor; `ends` are where they end. */
async function makeLog(fs: MemoryFileSystem): Promise<{ bytes: Buffer; ends: number[] }> {
  const ends: number[] = [];
  await using writer = await SnapshotWriter.open(PATH, HUGE, { fs, format: 2 });
  for (let batch = 1; batch <= BATCHES; batch += 1) {
    writer.writeUpdate(put("same", `value ${batch}`, 2 * batch - 1));
    writer.writeUpdate(put(`own.${batch}`, "x".repeat(20), 2 * batch));
    await writer.checkpoint(at(2 * batch));
    ends.push(writer.size);
  }
  await writer.close();
  return { bytes: Buffer.from(content(fs, PATH)), ends };
}

/** What {@link makeLog} adds up to after so many batches. */
function stateAfter(batches: number): string[] {
  if (batches === 0) return [];
  const own = Array.from({ length: batches }, (_, batch) => {
    return `own.${batch + 1}=${"x".repeat(20)}@${2 * batch + 2}`;
  });
  return [...own, `same=value ${batches}@${2 * batches - 1}`];
}

function content(fs: MemoryFileSystem, path: string): Buffer {
  const bytes = fs.content(path);
  assert.ok(bytes !== undefined, `${path} is not there`);
  return bytes;
}

function flip(fs: MemoryFileSystem, offset: number, bit = 0): void {
  const bytes = content(fs, PATH);
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
}

interface Opened {
  readonly repairs: LogRepair[];
  readonly replayed: string[];
  readonly cursor: WatchCursor | undefined;
}

/** Opens the log for writing, and closes it. */
async function open(fs: MemoryFileSystem, options: SnapshotWriterOptions = {}): Promise<Opened> {
  const repairs: LogRepair[] = [];
  const entries = new Map<string, string>();
  let cursor: WatchCursor | undefined;
  const writer = await SnapshotWriter.open(PATH, HUGE, {
    format: 2,
    fs,
    clock: new ManualClock(),
    onRepair: (repair) => repairs.push(repair),
    replay: {
      update: (update) => {
        if (update.kind === "put") entries.set(update.key, told([update]).join(""));
        else entries.delete(update.key);
      },
      cursor: (found) => {
        cursor = found;
      },
    },
    ...options,
  });
  await writer.close();
  return { repairs, replayed: [...entries.values()].toSorted(), cursor };
}

async function stateOf(fs: MemoryFileSystem, path = PATH): Promise<string[]> {
  return told((await readSnapshot(path, { fs }))?.entries.values() ?? []).toSorted();
}

describe("opening a log that is damaged before its end", () => {
  test("sets it aside, keeps what comes before the damage, and goes on from the last good position", async () => {
    const fs = new MemoryFileSystem();
    const { bytes, ends } = await makeLog(fs);
    const offset = ends[2] ?? 0;
    flip(fs, offset + IN_VALUE);
    const damaged = Buffer.from(content(fs, PATH));
    const { repairs, replayed, cursor } = await open(fs);
    const [repair] = repairs;
    assert.ok(repair !== undefined && repairs.length === 1);
    const { path, code, setAside, keptBytes, lostBytes } = repair;
    assert.deepEqual(
      { path, code, offset: repair.offset, setAside, lostBytes },
      {
        path: PATH,
        code: "corrupted",
        offset,
        setAside: FIRST_ASIDE,
        lostBytes: bytes.length - offset,
      },
    );
    assert.equal(keptBytes, content(fs, PATH).length);
    assert.deepEqual(repair.cursor, at(6));
    assert.deepEqual(cursor, at(6));
    assert.deepEqual(replayed, stateAfter(3));
    assert.deepEqual(content(fs, FIRST_ASIDE), damaged);
    assert.deepEqual(await stateOf(fs), stateAfter(3));
    assert.deepEqual(fs.names.toSorted(), [PATH, FIRST_ASIDE]);
  });

  test("leaves one that takes appends, and that the next open finds in order", async () => {
    const fs = new MemoryFileSystem();
    const { ends } = await makeLog(fs);
    flip(fs, (ends[1] ?? 0) + 12);
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, format: 2 });
    writer.writeUpdate(put("same", "value 3", 5));
    writer.writeUpdate(put("own.3", "x".repeat(20), 6));
    await writer.checkpoint(at(6));
    await writer.close();
    const { repairs, replayed } = await open(fs);
    assert.deepEqual(repairs, []);
    assert.deepEqual(replayed, stateAfter(3));
    assert.equal((await verify(PATH, { fs })).tornBytes, 0);
  });

  test("by any one flipped bit loses nothing before it, hands out what it keeps, and is told of it", async () => {
    const made = new MemoryFileSystem();
    const { bytes, ends } = await makeLog(made);
    const headerEnd = firstRecord(bytes);
    let healed = 0;
    for (let offset = headerEnd; offset < bytes.length; offset += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const fs = new MemoryFileSystem();
        const file = await fs.open(PATH, "create");
        file.writeSync(bytes, 0);
        flip(fs, offset, bit);
        const { repairs, replayed } = await open(fs);
        const before = ends.filter((end) => end <= offset).length;
        const when = `bit ${bit} of byte ${offset}`;
        assert.deepEqual(replayed, await stateOf(fs), when);
        // Records ahead of the position may have been kept too.
        for (const entry of stateAfter(before)) {
          assert.ok(replayed.includes(entry) || entry.startsWith("same="), `${when}: ${entry}`);
        }
        healed += repairs.length;
        assert.equal(fs.names.length, 1 + repairs.length, when);
        assert.ok(
          repairs.every((repair) => repair.offset <= offset),
          when,
        );
      }
    }
    // The others are in the last record, which then is a torn end.
    assert.ok(healed > (bytes.length - headerEnd - 40) * 8, `${healed} were healed`);
  });

  test("keeps no position where the damage may hide that it was withdrawn", async () => {
    const fs = new MemoryFileSystem();
    const { ends } = await makeLog(fs);
    // In a length: how many records the damage is in cannot be told any more.
    flip(fs, (ends[2] ?? 0) + 12);
    const { repairs, replayed, cursor } = await open(fs);
    assert.deepEqual(repairs[0]?.cursor, WatchCursor.none);
    assert.deepEqual(cursor, WatchCursor.none);
    assert.deepEqual(replayed, stateAfter(3));
    assert.deepEqual((await readSnapshot(PATH, { fs }))?.cursor, WatchCursor.none);
  });

  test("keeps no position that was withdrawn later", async () => {
    const fs = new MemoryFileSystem();
    const { ends } = await makeLog(fs);
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, format: 2 });
    await writer.checkpoint(WatchCursor.none);
    writer.writeUpdate(put("other", "1", 99));
    await writer.checkpoint(at(99));
    await writer.close();
    flip(fs, (ends[2] ?? 0) + IN_VALUE);
    const { repairs, replayed } = await open(fs);
    assert.deepEqual(repairs[0]?.cursor, WatchCursor.none);
    assert.deepEqual(replayed, stateAfter(3));
  });

  test("keeps no position whose withdrawal is what is damaged, whichever bit of it", async () => {
    const made = new MemoryFileSystem();
    const { ends } = await makeLog(made);
    const from = ends.at(-1) ?? 0;
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs: made, format: 2 });
    await writer.checkpoint(WatchCursor.none);
    const to = writer.size;
    for (let revision = 50; revision < 60; revision += 1) {
      writer.writeUpdate(put("other", "1", revision));
      await writer.checkpoint(at(revision));
    }
    await writer.close();
    for (let bit = from * 8; bit < to * 8; bit += 1) {
      const fs = new MemoryFileSystem();
      (await fs.open(PATH, "create")).writeSync(content(made, PATH), 0);
      flip(fs, bit >> 3, bit & 7);
      const { repairs, replayed, cursor } = await open(fs);
      assert.deepEqual(repairs[0]?.cursor, WatchCursor.none, `bit ${bit}`);
      assert.deepEqual(cursor, WatchCursor.none, `bit ${bit}`);
      assert.deepEqual(replayed, stateAfter(BATCHES), `bit ${bit}`);
    }
  });

  test("keeps no position where the damaged record has grown over a withdrawal", async () => {
    const fs = new MemoryFileSystem();
    const from = (await makeLog(fs)).ends.at(-1) ?? 0;
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, format: 2 });
    writer.writeUpdate(put("same", "12345678", 70));
    const start = writer.size;
    await writer.checkpoint(WatchCursor.none);
    // Ends 64 bytes later, and as the first one does: with a version of as many bytes.
    writer.writeUpdate(put("same", "x".repeat(64 - 6 - 24), 71));
    assert.equal(writer.size - start, 64);
    await writer.checkpoint(at(72));
    await writer.close();
    flip(fs, from + 5 + 2 + 4, 6);
    assert.deepEqual((await open(fs)).repairs[0]?.cursor, WatchCursor.none);
  });

  test("throws where that is wanted, and leaves it as it is", async () => {
    const fs = new MemoryFileSystem();
    const { ends } = await makeLog(fs);
    flip(fs, (ends[2] ?? 0) + 12);
    const damaged = Buffer.from(content(fs, PATH));
    await assert.rejects(open(fs, { onCorruption: "throw" }), withCode("corrupted"));
    assert.deepEqual(content(fs, PATH), damaged);
    assert.deepEqual(fs.names, [PATH]);
  });

  test("keeps the newest damaged files, and overwrites none", async () => {
    const fs = new MemoryFileSystem();
    const clock = new ManualClock();
    for (let time = 0; time < 5; time += 1) {
      await fs.remove(PATH);
      const { ends } = await makeLog(fs);
      flip(fs, (ends[0] ?? 0) + 12, time);
      // Two of them in one millisecond.
      clock.advance(time === 4 ? 0 : 1000);
      await open(fs, { clock, keepCorrupt: 2 });
    }
    assert.deepEqual(fs.names.toSorted(), [
      PATH,
      `${PATH}.corrupt-20260101T000004000Z`,
      `${PATH}.corrupt-20260101T000004000Z-2`,
    ]);
  });

  test("refuses options out of bounds", async () => {
    const fs = new MemoryFileSystem();
    for (const keepCorrupt of [0, -1, 1.5, Number.NaN]) {
      await assert.rejects(open(fs, { keepCorrupt }), isBadArgument);
    }
    await assert.rejects(open(fs, { onCorruption: "ignore" as "throw" }), isBadArgument);
  });
});

describe("a healing", () => {
  test("that dies at any file operation leaves the damaged log or the good one, and no evidence is lost", async () => {
    const made = new MemoryFileSystem();
    const { bytes, ends } = await makeLog(made);
    const steps = await healDyingAt(bytes, ends, Infinity);
    assert.ok(steps > 15, `${steps} operations`);
    for (let step = 1; step <= steps; step += 1) await healDyingAt(bytes, ends, step);
  });

  test("copies the damaged file where the file system knows no second names", async () => {
    const fs = new MemoryFileSystem();
    const { ends } = await makeLog(fs);
    flip(fs, (ends[2] ?? 0) + 12);
    const damaged = Buffer.from(content(fs, PATH));
    fs.setHook(({ name }) =>
      name === "link" ? { error: systemError("ENOTSUP"), partialBytes: 0 } : undefined,
    );
    const { repairs } = await open(fs);
    assert.equal(repairs[0]?.setAside, FIRST_ASIDE);
    assert.deepEqual(content(fs, FIRST_ASIDE), damaged);
    assert.deepEqual(await stateOf(fs), stateAfter(3));
  });

  test("fails where it cannot be written, and leaves the damaged log in its place", async () => {
    const fs = new MemoryFileSystem();
    const { ends } = await makeLog(fs);
    flip(fs, (ends[2] ?? 0) + 12);
    const damaged = Buffer.from(content(fs, PATH));
    fs.setHook(({ name }) =>
      name === "write" ? { error: systemError("ENOSPC"), partialBytes: 3 } : undefined,
    );
    await assert.rejects(open(fs), withCode("io"));
    assert.deepEqual(content(fs, PATH), damaged);
    assert.deepEqual(fs.names, [PATH]);
  });
});

/** Heals a log on a disk that fails for good from an operation on, then again on a sound one. Returns the operations. */
async function healDyingAt(bytes: Buffer, ends: number[], death: number): Promise<number> {
  const fs = new MemoryFileSystem();
  (await fs.open(PATH, "create")).writeSync(bytes, 0);
  flip(fs, (ends[2] ?? 0) + 12);
  const damaged = Buffer.from(content(fs, PATH));
  let operations = 0;
  fs.setHook(() => {
    operations += 1;
    return operations < death ? undefined : { error: systemError("EIO"), partialBytes: 0 };
  });
  await open(fs).catch(() => undefined);
  fs.crash();
  const when = `dead at ${death}`;
  const isDamaged = content(fs, PATH).equals(damaged);
  if (!isDamaged) assert.deepEqual(await stateOf(fs), stateAfter(3), when);
  const { repairs, replayed } = await open(fs);
  assert.equal(repairs.length, isDamaged ? 1 : 0, when);
  assert.deepEqual(replayed, stateAfter(3), when);
  const asides = fs.names.filter((name) => name !== PATH);
  assert.equal(asides.length, 1, `${when}: ${asides.join()}`);
  assert.deepEqual(content(fs, asides[0] ?? ""), damaged, when);
  return operations;
}

describe("a file whose header does not read", () => {
  for (const [what, bytes] of [
    ["a script", Buffer.from("#!/bin/sh\necho hello\n")],
    [
      "a log of a newer version",
      Buffer.concat([Buffer.from("PGSS\x07\0", "latin1"), Buffer.alloc(64, 7)]),
    ],
    ["zeros and something else", Buffer.concat([Buffer.alloc(64), Buffer.from("something else")])],
  ] as const) {
    test(`is left alone where it is ${what}`, async () => {
      const fs = new MemoryFileSystem();
      (await fs.open(PATH, "create")).writeSync(bytes, 0);
      await assert.rejects(open(fs), withCode("invalid-format"));
      assert.deepEqual(content(fs, PATH), bytes);
      assert.deepEqual(fs.names, [PATH]);
    });
  }

  test("is left alone where a log stands further back in it, as in an archive", async () => {
    const fs = new MemoryFileSystem();
    const { bytes } = await makeLog(fs);
    const archive = Buffer.concat([Buffer.alloc(512, "copy.snap"), bytes]);
    content(fs, PATH);
    (await fs.open(PATH, "write")).writeSync(archive, 0);
    await assert.rejects(open(fs), withCode("invalid-format"));
    assert.deepEqual(fs.names, [PATH]);
  });

  test("is healed with all that it holds where its first frame is in place", async () => {
    const made = new MemoryFileSystem();
    const { bytes } = await makeLog(made);
    for (let offset = 0; offset < 6; offset += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const fs = new MemoryFileSystem();
        (await fs.open(PATH, "create")).writeSync(bytes, 0);
        flip(fs, offset, bit);
        const { repairs, replayed, cursor } = await open(fs);
        const when = `bit ${bit} of byte ${offset}`;
        assert.equal(repairs[0]?.code, "invalid-format", when);
        assert.deepEqual(replayed, stateAfter(BATCHES), when);
        assert.deepEqual(cursor, at(2 * BATCHES), when);
        assert.deepEqual(await stateOf(fs), stateAfter(BATCHES), when);
      }
    }
  });
});

function isBadArgument(error: unknown): boolean {
  return isMillpondError(error, "invalid-argument");
}

function firstRecord(bytes: Buffer): number {
  return bytes.toString("latin1", 0, 4) === "PGSS" ? 6 : 24;
}
