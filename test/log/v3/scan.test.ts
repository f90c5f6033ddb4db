import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../../src/errors/index.js";
import { LogScan, scanLog, type ScanResult } from "../../../src/log/scan-log.js";
import { del, purge, put } from "../../support/updates.js";
import { Notes, sample } from "../../support/log-notes.js";
import { handleOn, LOG_PATH, positionAt, SALT, V3Log } from "../../support/v3-logs.js";

const MiB = 1024 * 1024;

async function scanned(bytes: Uint8Array): Promise<ScanResult & { lines: string[] }> {
  const notes = new Notes();
  const result = await scanLog(await handleOn(bytes), LOG_PATH, notes);
  return { ...result, lines: notes.lines };
}

/** Code and offset of what the scan of these bytes throws, and that it handed on nothing of the bad frame. */
async function failure(bytes: Uint8Array): Promise<string> {
  try {
    await scanned(bytes);
  } catch (error) {
    assert.ok(isMillpondError(error), String(error));
    return `${error.code} ${"offset" in error ? String(error.offset) : ""}`;
  }
  return "none";
}

describe("a v3 log", () => {
  test("is handed on batch by batch, with times, and an origin that holds until the next", async () => {
    const log = sample();
    const { lines, ...result } = await scanned(log.bytes);
    assert.deepEqual(lines, [
      "put a=1 0000000000000001 1700000000000/5",
      "put b=2 0000000000000002 /",
      "delete a 0000000000000003 /",
      "at 3 3000000000 here",
      "purge b 0000000000000004 /",
      "at 4 4000000000 here",
      "at none 0 here",
    ]);
    assert.deepEqual(result, {
      format: 3,
      salt: SALT,
      goodBytes: log.size,
      tornBytes: 0,
      records: 4,
      frames: 5,
      lastPosition: log.size,
      lineage: { oldSalt: SALT, oldOffset: 24, newOffset: 64 },
    });
  });

  test("reads the same across borders of chunks, and with frames longer than a chunk", async () => {
    const log = new V3Log();
    const expected: string[] = [];
    for (let revision = 1; revision <= 12; revision += 1) {
      const size = revision === 5 ? 3 * MiB : revision === 8 ? 600_000 : 90_001 * revision;
      log.batch(
        [put(`k${revision}`, Buffer.alloc(size, revision), revision)],
        positionAt(revision),
      );
      expected.push(`k${revision} ${size} ${revision}`);
    }
    const found: string[] = [];
    await scanLog(await handleOn(log.bytes), LOG_PATH, {
      update(update) {
        assert.ok(update.kind === "put");
        found.push(`${update.key} ${update.value.length} ${update.value.at(-1)}`);
        assert.equal(update.value[0], update.value.at(-1));
      },
      position: () => undefined,
    });
    assert.deepEqual(found, expected);
  });

  test("of one frame after another of a few bytes reads the same", async () => {
    const log = new V3Log();
    for (let revision = 1; revision <= 12_000; revision += 1) {
      log.batch([put(`k${revision}`, "v", revision)], positionAt(revision));
    }
    const { lines, records } = await scanned(log.bytes);
    assert.equal(records, 12_000);
    assert.equal(lines.length, 24_000);
    assert.equal(lines.at(-1), "at 12000 12000000000000 -");
  });
});

/** The fixed part of a batch body without a position, and what follows it. */
function fixed(count: number, ...more: number[]): number[] {
  return [0, 0, 0, 0, count, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...more];
}

describe("a frame of a v3 log", () => {
  test("of an unknown optional kind is skipped", async () => {
    const log = new V3Log()
      .batch([put("a", "1", 1)], positionAt(1))
      .frame(0xee, Buffer.from("from another time"))
      .batch([put("b", "1", 2)], positionAt(2));
    const { lines, frames, records } = await scanned(log.bytes);
    assert.equal(lines.length, 4);
    assert.deepEqual([frames, records], [3, 2]);
  });

  test("of an unknown kind that must not be skipped is refused, where it starts", async () => {
    const log = new V3Log().batch([put("a", "1", 1)], positionAt(1));
    const offset = log.size;
    assert.equal(await failure(log.frame(2, Buffer.alloc(3)).bytes), `invalid-format ${offset}`);
  });

  test("with unknown flags, or of more than 64 MiB, is refused", async () => {
    assert.equal(
      await failure(new V3Log().frame(1, Buffer.alloc(16), { flags: 1 }).bytes),
      "invalid-format 24",
    );
    assert.equal(
      await failure(new V3Log().frame(1, Buffer.alloc(16), { bodyBytes: 64 * MiB + 1 }).bytes),
      "invalid-format 24",
    );
  });

  const record = [1, 0, 1, 0, 1, 0, 0, 0, 0x61, 0x62];
  const changed = (index: number, value: number): number[] =>
    fixed(1, ...record).with(index, value);
  for (const [what, body] of [
    ["is shorter than its fixed part", [0, 0, 0]],
    ["has reserved flags", changed(0, 4)],
    ["has reserved bytes", changed(2, 1)],
    ["has a cursor, but no position", changed(1, 1)],
    ["has a cursor time, but no position", changed(8, 1)],
    ["has an origin, but no position", changed(0, 2)],
    ["has a cursor of 11 bytes", [1, 11, ...fixed(0).slice(2), ...Buffer.alloc(11)]],
    ["has a cursor that runs past its end", [1, 8, ...fixed(0).slice(2), 0, 0]],
    ["has an origin that runs past its end", [3, 0, ...fixed(0).slice(2), 9, 0, 0, 0, 0x61]],
    ["has an origin that is not UTF-8", [3, 0, ...fixed(0).slice(2), 1, 0, 0, 0, 0xff]],
    ["has an origin of more than 1 MiB", [3, 0, ...fixed(0).slice(2), 1, 0, 16, 0]],
    ["counts a record more than it has", changed(4, 2)],
    ["counts a record less than it has", changed(4, 0)],
    ["counts 4 billion records", changed(7, 0xff)],
    ["has bytes after its records", fixed(1, ...record, 0)],
    ["has a record of an unknown kind", changed(16, 4)],
    ["has a record with reserved bits", changed(16, 0x41)],
    ["has a record with a version of 11 bytes", changed(17, 11)],
    ["has a key that is not UTF-8", changed(24, 0xff)],
    ["has a key that runs past its end", changed(18, 0xff)],
    ["has a value that runs past its end", changed(20, 2)],
    ["has a value of more than 16 MiB", changed(23, 2)],
    ["has a removal with a value", changed(16, 2)],
    ["has a time that runs past its end", changed(16, 0x11)],
  ] as const) {
    test(`that ${what} is malformed, although its checksums hold`, async () => {
      const log = new V3Log().batch([put("x", "1", 1)], positionAt(1));
      const offset = log.size;
      assert.equal(
        await failure(log.frame(1, Buffer.from(body)).bytes),
        `invalid-format ${offset}`,
      );
    });
  }

  test("as they are before these changes is not", async () => {
    assert.equal(
      await failure(new V3Log().frame(1, Buffer.from(fixed(1, ...record))).bytes),
      "none",
    );
  });
});

async function goodBytesOf(bytes: Uint8Array): Promise<number> {
  const { goodBytes, tornBytes } = await scanned(bytes);
  assert.equal(goodBytes + tornBytes, bytes.length);
  return goodBytes;
}

describe("the end of a v3 log", () => {
  test("cut anywhere, then zeros or nothing, costs the frame that it falls in", async () => {
    // No frame ends with zeros: they would make it whole again.
    const { bytes, bounds } = new V3Log()
      .batch([put("a", "1", 1), del("b", 2)])
      .batch([put("c", "3", 3)], positionAt(3, "here"))
      .batch([purge("c", 4)], positionAt(4));
    for (let length = 24; length <= bytes.length; length += 1) {
      const whole = bounds.findLast((bound) => bound <= length);
      const cut = bytes.subarray(0, length);
      assert.equal(await goodBytesOf(cut), whole, `cut at ${length}`);
      assert.equal(await goodBytesOf(Buffer.concat([cut, Buffer.alloc(700_000)])), whole);
    }
  });

  test("is damage where a head holds later, near or far, also with a body that does not", async () => {
    const holes = [1, 40, 300_000, 600_123];
    // The search reads 256 KiB at a time: a head across such a border is found too.
    for (let short = 0; short <= 20; short += 1) holes.push(256 * 1024 - short);
    for (const hole of holes) {
      const log = sample();
      const offset = log.size;
      log.frame(0x90, Buffer.alloc(hole, 0x9d));
      log.batch([put("z", "1", 9)], positionAt(9));
      const bytes = log.bytes;
      bytes[offset] = 0;
      bytes[bytes.length - 1] = 0;
      assert.equal(await failure(bytes), `corrupted ${offset}`);
    }
  });

  test("is damage where more follows than a crash can leave of one frame", async () => {
    const { bytes, size } = sample();
    for (const junk of [Buffer.alloc(17, 0x9d), Buffer.from("\0".repeat(40) + "x"), bytes]) {
      assert.equal(await failure(Buffer.concat([bytes, junk])), `corrupted ${size}`);
    }
    const spoiled = Buffer.concat([bytes, Buffer.from("junk")]);
    spoiled[size - 1] = (spoiled[size - 1] ?? 0) ^ 1;
    assert.match(await failure(spoiled), /^corrupted/);
  });

  test("is damage where bytes were put in or taken out before it", async () => {
    const { bytes, bounds } = sample();
    const last = bounds.at(-2) ?? 0;
    for (let at = 24; at < last; at += 1) {
      const frame = bounds.findLast((bound) => bound <= at);
      const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
      const longer = Buffer.concat([before, Buffer.from("\r"), after]);
      assert.equal(await failure(longer), `corrupted ${frame}`, `one more at ${at}`);
      const shorter = Buffer.concat([before, after.subarray(1)]);
      assert.equal(await failure(shorter), `corrupted ${frame}`, `one less at ${at}`);
    }
  });

  test("may hold a log as a value without being damage", async () => {
    const inner = sample();
    const log = new V3Log(SALT).batch([put("log", inner.bytes, 1)], positionAt(1));
    assert.equal(await goodBytesOf(log.bytes.subarray(0, -1)), 24);
  });

  test("is searched in turns, so that other work goes on", async () => {
    const log = sample();
    log.frame(0x90, Buffer.alloc(4 * MiB, Buffer.of(0x9d, 0xf3)));
    const bytes = log.bytes.subarray(0, -1);
    let turns = 0;
    const count = (): void => {
      turns += 1;
      turn = setImmediate(count);
    };
    let turn = setImmediate(count);
    await scanned(bytes).finally(() => clearImmediate(turn));
    assert.ok(turns >= 8, `${turns} turns`);
  });
});

describe("a v3 header", () => {
  test("with any one bit flipped is an error", async () => {
    for (let bit = 0; bit < 24 * 8; bit += 1) {
      const { bytes } = sample();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.match(await failure(bytes), /^(?:invalid-format|corrupted) [046]$/, `bit ${bit}`);
    }
  });

  test("that is cut short is an error, or torn for whoever may mend it", async () => {
    const { bytes } = sample();
    for (let length = 0; length < 24; length += 1) {
      assert.equal(await failure(bytes.subarray(0, length)), "invalid-format 0");
      for (const cut of [bytes.subarray(0, length), Buffer.alloc(length)]) {
        const options = { allowTornHeader: true };
        const result = await scanLog(await handleOn(cut), LOG_PATH, new Notes(), options);
        assert.equal(result.goodBytes, 0);
        assert.equal(result.tornBytes, length);
        assert.equal(result.format, cut.some((byte) => byte !== 0) ? 3 : undefined);
      }
    }
  });
});

describe("a scan that keeps its place", () => {
  test("takes what was appended since, and waits at a frame that is not whole", async () => {
    const { bytes, bounds } = sample();
    const handle = await handleOn(bytes.subarray(0, 24));
    const notes = new Notes();
    const scan = new LogScan(handle, LOG_PATH, notes);
    const whole = await scanned(bytes);
    for (let length = 24; length < bytes.length; length += 1) {
      const { goodBytes } = await scan.advance();
      assert.equal(
        goodBytes,
        bounds.findLast((bound) => bound <= length),
      );
      handle.writeSync(bytes.subarray(length, length + 1), length);
    }
    await scan.advance();
    assert.deepEqual(notes.lines, whole.lines);
    assert.deepEqual(scan.result.lastPosition, bytes.length);
  });

  test("reads anew what a writer has cut off and written again", async () => {
    const first = new V3Log().batch([put("a", "first", 1)], positionAt(1)).bytes;
    const second = new V3Log().batch([put("b", "second", 1)], positionAt(1)).bytes;
    const handle = await handleOn(first.subarray(0, -4));
    const notes = new Notes();
    const scan = new LogScan(handle, LOG_PATH, notes);
    await scan.advance();
    handle.truncateSync(24);
    handle.writeSync(second.subarray(24), 24);
    await scan.advance();
    assert.deepEqual(notes.lines, (await scanned(second)).lines);
  });

  test("tells damage from a frame in the making when it is asked", async () => {
    const log = sample();
    const good = log.size;
    const { bytes } = log.batch([put("x", "1", 5)]).batch([put("y", "1", 6)]);
    bytes[good] = 0;
    const scan = new LogScan(await handleOn(bytes), LOG_PATH, new Notes());
    assert.equal((await scan.advance()).goodBytes, good);
    await assert.rejects(scan.requireTornTail(), /damaged at byte/);
  });

  test("of a v2 log takes record by record", async () => {
    const v2 = Buffer.from("504753530200", "hex");
    const scan = new LogScan(await handleOn(v2), LOG_PATH, new Notes());
    assert.equal((await scan.advance()).format, 2);
  });
});
