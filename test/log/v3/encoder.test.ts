import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import type { BatchEncoder } from "../../../src/log/codec.js";
import { codecOf } from "../../../src/log/codecs.js";
import { LINEAGE_FRAME_BYTES, lineageFrame, lineageOf } from "../../../src/log/v3/index.js";
import { VersionToken, WatchCursor, type LogPosition } from "../../../src/values/index.js";
import { withCode } from "../../support/log-files.js";
import { at, del, put } from "../../support/updates.js";

const SALT = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const OTHER = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
const v3 = codecOf(3);

function positionAt(revision: number, origin?: string): LogPosition {
  return { cursor: at(revision), cursorTimeNs: 5n, origin };
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** A frame as the format's description has it, written without the code under test. */
function frame(kind: number, body: Buffer, offset: number, salt: Uint8Array): Buffer {
  const head = [Buffer.from([0x9d, 0xf3, kind, 0]), u32(body.length), u32(crc32(body))];
  const sealed = crc32(Buffer.concat([salt, u64(offset), ...head]));
  return Buffer.concat([...head, u32(sealed), body]);
}

function flagsOf(position: LogPosition | undefined): number | undefined {
  const encoder = v3.encoder();
  encoder.end(position);
  return encoder.body()?.[0];
}

function tail(start: number, salt: Uint8Array): Buffer {
  const encoder: BatchEncoder = v3.encoder();
  const frames: Buffer[] = [];
  let offset = start;
  for (const size of [0, 3, 1000, 20]) {
    encoder.add(put("k", "v".repeat(size), size));
    encoder.end(positionAt(size));
    const stamped = Buffer.from(encoder.stamp({ offset, salt }));
    frames.push(stamped);
    offset += stamped.length;
    encoder.clear();
  }
  return Buffer.concat(frames);
}

describe("a v3 header", () => {
  test("has magic, version, length, salt, no features and a checksum", () => {
    const front = Buffer.from([0x4d, 0x50, 0x4e, 0x44, 3, 0, 24, 0, ...SALT, 0, 0, 0, 0]);
    assert.deepEqual(Buffer.from(v3.header(SALT)), Buffer.concat([front, u32(crc32(front))]));
  });
});

describe("a v3 batch", () => {
  test("is a frame of the fixed part, the cursor, the origin and the records, byte for byte", () => {
    const encoder = v3.encoder();
    assert.equal(encoder.length, 0);
    encoder.add({
      kind: "put",
      key: "kü",
      value: Buffer.from("value"),
      version: VersionToken.fromBytes(Uint8Array.of(7)),
      timeMs: 2 ** 40 + 1,
      ttlMs: 60_000,
    });
    encoder.add({ kind: "purge", key: "gone", version: VersionToken.unknown });
    encoder.end(positionAt(2, "{}"));
    const body = Buffer.concat([
      Buffer.from([3, 8, 0, 0, 2, 0, 0, 0]),
      u64(5),
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]),
      Buffer.from([2, 0, 0, 0, 0x7b, 0x7d]),
      Buffer.from([0x31, 1, 3, 0, 5, 0, 0, 0]),
      Buffer.from("küvalue"),
      Buffer.from([7]),
      u64(2 ** 40 + 1),
      u64(60_000),
      Buffer.from([3, 0, 4, 0, 0, 0, 0, 0]),
      Buffer.from("gone"),
    ]);
    assert.deepEqual(Buffer.from(encoder.body() ?? []), body);
    const offset = 2 ** 33 + 24;
    const stamped = Buffer.from(encoder.stamp({ offset, salt: SALT }));
    assert.deepEqual(stamped, frame(1, body, offset, SALT));
    assert.equal(encoder.length, stamped.length);
    assert.equal(encoder.records, 2);
  });

  test("can be stamped for two files, taken back, lengthened and ended again, also behind a long origin", () => {
    const origin = "o".repeat(10_000);
    const once = v3.encoder();
    const twice = v3.encoder();
    for (const encoder of [once, twice]) encoder.add(put("a", "1", 1));
    twice.end(positionAt(1, origin));
    twice.stamp({ offset: 24, salt: OTHER });
    twice.reopen();
    for (const encoder of [once, twice]) {
      encoder.add(del("a", 2));
      encoder.end(undefined);
    }
    const place = { offset: 24, salt: SALT };
    assert.deepEqual(Buffer.from(twice.stamp(place)), Buffer.from(once.stamp(place)));
    twice.clear();
    assert.equal(twice.length, 0);
  });

  test("of the records of another one is that one", () => {
    const encoder = v3.encoder();
    encoder.add(put("a", "1", 1));
    encoder.end(undefined);
    const copied = v3.encoder();
    copied.addRecords((encoder.body() ?? new Uint8Array(0)).subarray(16), 1);
    copied.end(undefined);
    assert.deepEqual(Buffer.from(copied.body() ?? []), Buffer.from(encoder.body() ?? []));
  });

  test("without a position, and one that withdraws it, differ", () => {
    assert.equal(flagsOf(undefined), 0);
    assert.equal(flagsOf({ cursor: WatchCursor.none, cursorTimeNs: 0n, origin: undefined }), 1);
  });

  test("too long for a frame is refused at its end, and can be cleared", () => {
    const encoder = v3.encoder();
    const value = new Uint8Array(16 * 1024 * 1024);
    for (let revision = 1; revision <= 4; revision += 1) encoder.add(put("k", value, revision));
    assert.ok(encoder.length > v3.batchBytesMax);
    assert.throws(() => encoder.end(undefined), withCode("invalid-format"));
    encoder.clear(0);
    encoder.end(positionAt(1));
    assert.ok(encoder.length < 100);
  });
});

describe("a copy of a tail", () => {
  const from = { offset: 100, salt: SALT };
  const to = { offset: 5000, salt: OTHER };

  test("is what would have been written there, whatever the chunks", () => {
    const expected = tail(to.offset, to.salt);
    for (const chunk of [17, 40, 64, 999, 5000]) {
      const bytes = tail(from.offset, from.salt);
      const copy = v3.tailCopy("log.snap", from, to);
      let done = 0;
      while (done < bytes.length) {
        const took = copy.take(bytes.subarray(done, done + chunk));
        assert.ok(took > 0);
        done += took;
      }
      assert.deepEqual(bytes, expected, `chunks of ${chunk}`);
    }
  });

  test("names the place in the old file where a head does not hold", () => {
    const bytes = tail(from.offset, from.salt);
    const copy = v3.tailCopy("log.snap", { ...from, offset: 101 }, to);
    assert.throws(() => copy.take(bytes), withCode("corrupted"));
  });

  test("of a v2 log is its bytes", () => {
    assert.equal(codecOf(2).tailCopy("log.snap", from, to).take(Buffer.alloc(7)), 7);
  });
});

describe("a lineage frame", () => {
  test("lies behind the header and says where the old file's tail went", () => {
    const lineage = { oldSalt: OTHER, oldOffset: 2 ** 33, newOffset: 1234 };
    const body = Buffer.concat([Buffer.from(OTHER), u64(2 ** 33), u64(1234)]);
    const bytes = Buffer.from(lineageFrame(lineage, SALT));
    assert.deepEqual(bytes, frame(0x81, body, 24, SALT));
    assert.equal(bytes.length, LINEAGE_FRAME_BYTES);
    assert.deepEqual(lineageOf(body), lineage);
  });
});

describe("a v2 batch", () => {
  test("is its records and the cursor, which can be taken back", () => {
    const encoder = codecOf(2).encoder();
    encoder.add(put("a", "1", 1));
    const { length } = encoder;
    encoder.end(positionAt(1));
    assert.equal(encoder.length, length + 14);
    encoder.reopen();
    encoder.end(undefined);
    assert.equal(encoder.stamp({ offset: 0, salt: SALT }).length, length);
    assert.equal(encoder.body(), undefined);
    assert.throws(() => encoder.addRecords(SALT, 1), withCode("invalid-argument"));
  });
});
