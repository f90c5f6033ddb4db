import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { readSnapshot, SnapshotWriter, type LogRepair } from "../../../src/log/index.js";
import { WatchCursor, type KvUpdate } from "../../../src/values/index.js";
import { HUGE, withCode } from "../../support/log-files.js";
import { MemoryFileSystem, systemError } from "../../support/memory-file-system.js";
import { at, del, put, told } from "../../support/updates.js";
import { diskWith, LOG_PATH, positionAt, V3Log } from "../../support/v3-logs.js";

const BATCHES: readonly (readonly KvUpdate[])[] = [
  [put("a", "1", 1), put("b", "1", 2)],
  [put("a", "2", 3)],
  [del("b", 4), put("c", "a longer value", 5)],
  [put("a", "3", 6)],
  [put("d", "1", 7)],
];

/** With a lineage, a frame that any reader may skip, and the batches, the origin in the first of them. */
function sample(): V3Log {
  const log = new V3Log();
  log.lineage({ oldSalt: new Uint8Array(8).fill(7), oldOffset: 24, newOffset: 64 });
  log.frame(0x90, Buffer.from("skip me"));
  for (const [index, batch] of BATCHES.entries()) {
    const last = batch.at(-1)?.version.toU64() ?? 0n;
    log.batch(batch, positionAt(Number(last), index === 0 ? "the origin" : undefined));
  }
  return log;
}

/** The first frame with a batch, by number of the bound at which it starts. */
const FIRST_BATCH = 2;

interface Opened {
  readonly repair: LogRepair | undefined;
  readonly state: string[];
  readonly cursor: WatchCursor;
  readonly origin: string | undefined;
}

async function open(fs: MemoryFileSystem): Promise<Opened> {
  let repair: LogRepair | undefined;
  const entries = new Map<string, string>();
  let cursor = WatchCursor.none;
  let origin: string | undefined;
  const writer = await SnapshotWriter.open(LOG_PATH, HUGE, {
    fs,
    onRepair: (done) => {
      repair = done;
    },
    replay: {
      update(update) {
        if (update.kind === "put") entries.set(update.key, told([update]).join(""));
        else entries.delete(update.key);
      },
      cursor: (found) => {
        cursor = found;
      },
      position: (position) => {
        origin = position.origin;
      },
    },
  });
  await writer.close();
  return { repair, state: [...entries.values()].toSorted(), cursor, origin };
}

function stateAfter(batches: number): string[] {
  const entries = new Map<string, string>();
  for (const update of BATCHES.slice(0, batches).flat()) {
    if (update.kind === "put") entries.set(update.key, told([update]).join(""));
    else entries.delete(update.key);
  }
  return [...entries.values()].toSorted();
}

function cursorAfter(batches: number): WatchCursor {
  const version = BATCHES[batches - 1]?.at(-1)?.version;
  return version === undefined ? WatchCursor.none : WatchCursor.fromVersion(version);
}

function flipped(log: V3Log, offset: number, bit: number): Buffer {
  const { bytes } = log;
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
  return bytes;
}

describe("a v3 log with any one bit flipped, opened for writing,", () => {
  const log = sample();
  for (const [what, from, to, wanted] of [
    ["in its header, without the salt", 0, 8, BATCHES.length],
    ["in its salt", 8, 16, 0],
    ["in its header, behind the salt", 16, 24, BATCHES.length],
    ["in its lineage", 24, 64, BATCHES.length],
    ...BATCHES.slice(0, -1).map((_, index) => {
      const start = log.bounds[FIRST_BATCH + index] ?? 0;
      const end = log.bounds[FIRST_BATCH + index + 1] ?? 0;
      return [`in batch ${index + 1}`, start, end, index] as const;
    }),
  ] as const) {
    test(`${what}, holds the ${wanted} batches before it, and their position`, async () => {
      for (let offset = from; offset < to; offset += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
          const when = `bit ${bit} of byte ${offset}`;
          const damaged = flipped(log, offset, bit);
          const fs = await diskWith(damaged);
          const { repair, state, cursor, origin } = await open(fs);
          assert.ok(repair !== undefined, when);
          assert.deepEqual(state, stateAfter(wanted), when);
          assert.deepEqual(cursor, cursorAfter(wanted), when);
          assert.deepEqual(repair.cursor, cursor, when);
          assert.equal(origin, wanted > 0 ? "the origin" : undefined, when);
          assert.deepEqual(fs.content(repair.setAside ?? ""), damaged, when);
          const read = await readSnapshot(LOG_PATH, { fs });
          assert.deepEqual(told(read?.entries.values() ?? []).toSorted(), state, when);
          assert.deepEqual(read?.cursor ?? WatchCursor.none, cursor, when);
          assert.equal((await open(fs)).repair, undefined, when);
        }
      }
    });
  }
});

describe("a healed v3 log", () => {
  test("is another file to whoever follows it: it has a salt of its own, and no lineage", async () => {
    const log = sample();
    const damaged = flipped(log, (log.bounds[4] ?? 0) + 20, 0);
    const fs = await diskWith(damaged);
    await open(fs);
    const healed = fs.content(LOG_PATH) ?? Buffer.alloc(0);
    assert.notDeepEqual(healed.subarray(8, 16), damaged.subarray(8, 16));
    // The first frame is the one behind the lineage.
    assert.equal(healed[24 + 2], 0x90);
  });

  test("has no position where a later frame withdrew it, or began another origin", async () => {
    for (const later of [
      { ...positionAt(0), cursor: WatchCursor.none },
      positionAt(2, "another origin"),
    ]) {
      const log = sample();
      log.batch([], later).batch([put("z", "1", 9)], positionAt(9));
      const fs = await diskWith(flipped(log, (log.bounds[4] ?? 0) + 20, 0));
      const { repair, state, cursor } = await open(fs);
      assert.deepEqual(state, stateAfter(2));
      assert.deepEqual(cursor, WatchCursor.none);
      assert.deepEqual(repair?.cursor, WatchCursor.none);
      assert.deepEqual((await readSnapshot(LOG_PATH, { fs }))?.cursor, WatchCursor.none);
    }
  });

  for (const [what, origin, bare] of [
    ["with an origin", "the origin", false],
    ["of a writer that keeps no origin", undefined, false],
    ["whose later batches have no position", "the origin", true],
  ] as const) {
    test(`${what} has no position where its withdrawal is what is damaged`, async () => {
      const made = new MemoryFileSystem();
      const writer = await SnapshotWriter.open(LOG_PATH, HUGE, { fs: made, format: 3 });
      writer.writeUpdate(put("a", "1", 100));
      await writer.checkpoint(at(100), origin === undefined ? {} : { origin });
      const from = writer.size;
      await writer.checkpoint(WatchCursor.none);
      const to = writer.size;
      for (const revision of [50, 51]) {
        writer.writeUpdate(put("a", "2", revision));
        await (bare ? writer.flush() : writer.checkpoint(at(revision)));
      }
      await writer.close();
      for (let bit = from * 8; bit < to * 8; bit += 1) {
        const bytes = Buffer.from(made.content(LOG_PATH) ?? []);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const { repair, state, cursor } = await open(await diskWith(bytes));
        assert.deepEqual(repair?.cursor, WatchCursor.none, `bit ${bit}`);
        assert.deepEqual(cursor, WatchCursor.none, `bit ${bit}`);
        assert.deepEqual(state, ["a=1@100"], `bit ${bit}`);
      }
    });
  }

  test("keeps its origin where its position is withdrawn, and says it with the next one", async () => {
    const log = sample().batch([], { ...positionAt(0), cursor: WatchCursor.none });
    const fs = await diskWith(flipped(log, (log.bounds[4] ?? 0) + 20, 0));
    const writer = await SnapshotWriter.open(LOG_PATH, HUGE, { fs });
    const to = writer.size;
    await writer.checkpoint(at(9));
    await writer.close();
    assert.equal((await readSnapshot(LOG_PATH, { fs }))?.origin, "the origin");
    // flags: a position, and an origin
    assert.equal(fs.content(LOG_PATH)?.[to + 16], 3);
  });

  test("has no position where two frames in a row are damaged: one of them may have withdrawn it", async () => {
    const log = sample();
    const bytes = flipped(log, (log.bounds[4] ?? 0) + 20, 0);
    bytes[(log.bounds[5] ?? 0) + 20] = 0xee;
    const { state, cursor } = await open(await diskWith(bytes));
    assert.deepEqual(state, stateAfter(2));
    assert.deepEqual(cursor, WatchCursor.none);
  });

  test("whose very first position is damaged keeps none", async () => {
    const log = sample();
    const { state, cursor } = await open(
      await diskWith(flipped(log, (log.bounds[FIRST_BATCH] ?? 0) + 18, 0)),
    );
    assert.deepEqual(state, []);
    assert.deepEqual(cursor, WatchCursor.none);
  });
});

describe("the healing of a v3 log", () => {
  test("that dies at any file operation leaves the damaged log or the good one, and no evidence is lost", async () => {
    const log = sample();
    const damaged = flipped(log, (log.bounds[FIRST_BATCH + 2] ?? 0) + 20, 0);
    let last = Infinity;
    for (let death = 1; death <= last; death += 1) {
      const when = `dead at ${death}`;
      const fs = await diskWith(damaged);
      let operations = 0;
      fs.setHook(() => {
        operations += 1;
        return operations < death ? undefined : { error: systemError("EIO"), partialBytes: 5 };
      });
      await open(fs).catch(() => undefined);
      fs.crash();
      if (operations < death) last = death;
      const isDamaged = fs.content(LOG_PATH)?.equals(damaged) === true;
      const { repair, state, cursor } = await open(fs);
      assert.equal(repair !== undefined, isDamaged, when);
      assert.deepEqual([state, cursor], [stateAfter(2), cursorAfter(2)], when);
      const asides = fs.names.filter((name) => name !== LOG_PATH);
      assert.equal(asides.length, 1, `${when}: ${asides.join()}`);
      assert.deepEqual(fs.content(asides[0] ?? ""), damaged, when);
    }
    assert.ok(last > 15, `${last} operations`);
  });
});

describe("a v3 log that a newer version wrote", () => {
  const features = sample().bytes;
  features[16] = 1;
  for (const [what, bytes] of [
    ["a kind of frame that is not known here", sample().frame(0x05, Buffer.from("?")).bytes],
    ["flags of a frame", sample().frame(1, Buffer.from("?"), { flags: 1 }).bytes],
    ["features", withHeaderChecksum(features)],
    [
      "a version",
      withHeaderChecksum(
        Buffer.concat([Buffer.from("MPND\x04\0\x18\0", "latin1"), sample().bytes.subarray(8)]),
      ),
    ],
  ] as const) {
    test(`is left alone: ${what}`, async () => {
      const fs = await diskWith(bytes);
      await assert.rejects(open(fs), withCode("invalid-format"));
      assert.deepEqual(fs.content(LOG_PATH), bytes);
      assert.deepEqual(fs.names, [LOG_PATH]);
    });
  }
});

function withHeaderChecksum(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20);
  return bytes;
}
