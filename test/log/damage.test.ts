import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { inspectLog, load, readSnapshot, SnapshotWriter } from "../../src/log/index.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { at, del, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";
const MiB = 1024 * 1024;

/** Where each record of the sample starts, and the end of the last. */
interface Sample {
  readonly bytes: Buffer;
  readonly bounds: readonly number[];
}

async function sample(): Promise<Sample> {
  const fs = new MemoryFileSystem();
  const writer = await SnapshotWriter.open(PATH, 1 << 30, { fs, format: 2 });
  const bounds = [writer.size];
  const updates = [
    put("alpha", "value-a", 1),
    put("bravo", "b", 2),
    del("alpha", 3),
    put("c", "", 4),
  ];
  for (const update of updates) {
    writer.writeUpdate(update);
    bounds.push(writer.size);
    await writer.checkpoint(at(bounds.length));
    bounds.push(writer.size);
  }
  await writer.close();
  return { bytes: Buffer.from(fs.content(PATH) ?? ""), bounds };
}

/** `state cursor` of what the bytes load to, or the error's code and offset. Fails on any other error. */
async function outcome(bytes: Uint8Array): Promise<string> {
  const fs = await holding(bytes);
  try {
    const snapshot = await readSnapshot(PATH, { fs });
    const loaded = await load(PATH, { fs });
    assert.deepEqual(loaded, snapshot);
    const entries = told(snapshot?.entries.values() ?? []).toSorted();
    return `${entries.join(" ")} cursor ${snapshot?.cursor.toHex() ?? ""}`;
  } catch (error) {
    assert.ok(isMillpondError(error), String(error));
    assert.deepEqual(fs.content(PATH), Buffer.from(bytes), "a damaged file was changed");
    return `${error.code} ${"offset" in error ? String(error.offset) : ""}`;
  }
}

async function holding(bytes: Uint8Array): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const handle = await fs.open(PATH, "create");
  handle.writeSync(bytes, 0);
  await handle.close();
  return fs;
}

function recordAt(bounds: readonly number[], offset: number): number {
  return bounds.findLastIndex((bound) => bound <= offset);
}

function commonPrefix(a: Buffer, b: Buffer): number {
  const length = a.findIndex((byte, index) => byte !== b[index]);
  return length === -1 ? a.length : length;
}

test("a cut at any byte costs the record it falls in and nothing before it", async () => {
  const { bytes, bounds } = await sample();
  for (let length = 6; length <= bytes.length; length += 1) {
    const whole = bounds[recordAt(bounds, length)] ?? 0;
    const expected = await outcome(bytes.subarray(0, whole));
    assert.equal(await outcome(bytes.subarray(0, length)), expected, `cut at ${length}`);
    const zeros = Buffer.concat([bytes.subarray(0, length), Buffer.alloc(40)]);
    assert.equal(await outcome(zeros), expected, `cut at ${length}, then zeros`);
  }
});

test("any one flipped bit is an error that names its record, or costs the very last record only", async () => {
  const { bytes, bounds } = await sample();
  const last = bounds.length - 2;
  const withoutLast = await outcome(bytes.subarray(0, bounds[last]));
  for (let bit = 6 * 8; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const record = recordAt(bounds, bit >> 3);
    const found = await outcome(flipped);
    if (record === last && found === withoutLast) continue;
    assert.match(
      found,
      new RegExp(`^(?:corrupted|invalid-format) ${bounds[record]}$`),
      `bit ${bit}`,
    );
  }
});

test("bytes cut out, put in or overwritten anywhere never lose a good record in silence", async () => {
  const seed = seedOfRun();
  const random = randomFrom(seed);
  const { bytes, bounds } = await sample();
  const records = bounds
    .slice(0, -1)
    .map((start, index) => ({ start, body: bytes.subarray(start, bounds[index + 1]) }));
  for (let round = 0; round < 2000; round += 1) {
    const from = 6 + integerBelow(random, bytes.length - 6);
    const length = 1 + integerBelow(random, 24);
    const junk = Buffer.from(Array.from({ length }, () => integerBelow(random, 256)));
    const tails = [
      bytes.subarray(from + length),
      Buffer.concat([junk, bytes.subarray(from)]),
      Buffer.concat([junk, bytes.subarray(from + length)]),
    ];
    const tail = tails[integerBelow(random, tails.length)] ?? junk;
    const changed = Buffer.concat([bytes.subarray(0, from), tail]);
    const found = await outcome(changed);
    if (/^(?:corrupted|invalid-format)/.test(found)) continue;
    // What is left of the whole records, before the change and after it, is all there; nothing else is.
    const kept = commonPrefix(bytes, changed);
    const before = bytes.subarray(0, bounds[recordAt(bounds, kept)]);
    const rest = changed.subarray(before.length);
    const after = records.filter(({ start, body }) => start >= kept && rest.includes(body));
    const whole = Buffer.concat([before, ...after.map(({ body }) => body)]);
    assert.equal(found, await outcome(whole), `seed ${seed}, round ${round}`);
  }
});

test("any bytes at all after a header end in a result or an error, with a result of inspect to match", async () => {
  const seed = seedOfRun();
  const random = randomFrom(seed);
  for (let round = 0; round < 500; round += 1) {
    const length = integerBelow(random, 400);
    // Small numbers are what types and lengths are made of.
    const body = Array.from({ length }, () => integerBelow(random, random() < 0.7 ? 4 : 256));
    const bytes = Buffer.from([0x50, 0x47, 0x53, 0x53, 2, 0, ...body]);
    const report = await inspectLog(PATH, { fs: await holding(bytes) });
    const found = await outcome(bytes);
    const said = report.result === "error" ? `${report.code} ${String(report.offset)}` : "loads";
    if (report.result === "error") assert.equal(said, found, `seed ${seed}, round ${round}`);
    else assert.match(found, / cursor /, `seed ${seed}, round ${round}`);
  }
});

describe("a hostile tail is judged in bounded time", () => {
  for (const [what, fill] of [
    ["and is damage where each byte may start a record, and too much has been checked", 2],
    ["and is torn where no byte starts a record, as all lengths are too long", 1],
  ] as const) {
    test(what, { timeout: 60_000 }, async () => {
      const { bytes } = await sample();
      const tail = Buffer.alloc(12 * MiB, fill);
      // The start of a put of 16 MiB: it runs past the end, as a torn one does.
      tail.set([0, 0, 0, 0, 1, 1, 0, 0x6b, 0, 0, 0, 1], 0);
      const report = await inspectLog(PATH, { fs: await holding(Buffer.concat([bytes, tail])) });
      if (fill === 1) {
        assert.ok(report.result === "ok" && report.tornBytes === tail.length);
      } else {
        assert.ok(report.result === "error" && report.code === "corrupted");
        assert.match(report.message, /takes too long to search/);
      }
    });
  }
});

test("the search behind a torn record gives way to other work, also where nothing is worth a checksum", async () => {
  const { bytes } = await sample();
  const tail = Buffer.alloc(12 * MiB, "a");
  tail.set([0, 0, 0, 0, 1, 1, 0, 0x6b, 0, 0, 0, 1], 0);
  const fs = await holding(Buffer.concat([bytes, tail]));
  let turns = 0;
  const count = (): void => {
    turns += 1;
    turn = setImmediate(count);
  };
  let turn = setImmediate(count);
  const report = await inspectLog(PATH, { fs });
  clearImmediate(turn);
  assert.ok(report.result === "ok" && report.tornBytes === tail.length);
  // At some 15 ns an offset: 8 ms a turn.
  assert.ok(turns > 20, `${turns} turns`);
});

describe("a length damaged so that its record runs past the end, with good records after it,", () => {
  for (const [what, size] of [
    ["8 KiB", 8 * 1024],
    ["1 MiB", MiB],
  ] as const) {
    test(`is found ${what} before the next of them`, async () => {
      const fs = new MemoryFileSystem();
      const writer = await SnapshotWriter.open(PATH, 1 << 30, { fs, format: 2 });
      writer.writeUpdate(put("a", Buffer.alloc(size, "v"), 1));
      writer.writeUpdate(put("b", "2", 2));
      await writer.checkpoint(at(2));
      await writer.close();
      const bytes = Buffer.from(fs.content(PATH) ?? "");
      const lengthOfValue = 6 + 5 + 2 + 1;
      assert.equal(bytes.readUInt32LE(lengthOfValue), size);
      for (const wrong of [16 * MiB, 0x7fff_ffff]) {
        bytes.writeUInt32LE(wrong, lengthOfValue);
        assert.equal(await outcome(bytes), "corrupted 6", `a length of ${wrong}`);
      }
    });
  }
});

test("more after a bad record than one torn write can leave is damage, whatever it is", async () => {
  const { bytes, bounds } = await sample();
  const last = bounds.at(-1) ?? 0;
  const longest = 5 + 2 + 65_535 + 4 + 16 * MiB + 1 + 10;
  const tail = Buffer.alloc(longest + 1);
  // The start of a put whose value is too long: no hole of zeros, and no good record in what follows.
  tail.set([0, 0, 0, 0, 1, 1, 0, 0x6b, 0, 0, 0, 0x7f], 0);
  tail[longest - 1] = 0x61;
  const report = await inspectLog(PATH, {
    fs: await holding(Buffer.concat([bytes, tail])),
  });
  assert.ok(report.result === "ok" && report.tornBytes === tail.length);
  tail[longest] = 0x61;
  assert.equal(await outcome(Buffer.concat([bytes, tail])), `corrupted ${last}`);
});

test("a log much longer than one chunk reads the same as a short one, with a record across each border", async () => {
  const fs = new MemoryFileSystem();
  const writer = await SnapshotWriter.open(PATH, 1 << 30, { fs, format: 2 });
  const value = Buffer.alloc(300_000, "v");
  for (let revision = 1; revision <= 20; revision += 1) {
    writer.writeUpdate(
      put(`k${revision}`, revision === 7 ? Buffer.alloc(3 * MiB, 7) : value, revision),
    );
    await writer.checkpoint(at(revision));
  }
  await writer.close();
  const snapshot = await readSnapshot(PATH, { fs });
  assert.equal(snapshot?.entries.size, 20);
  assert.equal(snapshot.cursor.toU64(), 20n);
  assert.deepEqual(Buffer.from(snapshot.entries.get("k8")?.value ?? []), value);
  assert.equal(snapshot.entries.get("k7")?.value.length, 3 * MiB);
});
