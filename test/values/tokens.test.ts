import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { isMillpondError } from "../../src/errors/index.js";
import { VersionToken, WatchCursor } from "../../src/values/index.js";

describe("an opaque token", () => {
  test("of a u64 is eight bytes, big-endian, and reads back the same number", () => {
    const token = VersionToken.fromU64(0x0102030405060708n);
    assert.equal(token.toHex(), "0102030405060708");
    assert.equal(token.toU64(), 0x0102030405060708n);
    assert.equal(VersionToken.fromU64((1n << 64n) - 1n).toU64(), (1n << 64n) - 1n);
  });

  test("has 0 to 10 bytes and round-trips each length through hex", () => {
    for (let length = 0; length <= 10; length += 1) {
      const bytes = Uint8Array.from({ length }, (_, index) => 255 - index);
      const token = WatchCursor.fromBytes(bytes);
      assert.deepEqual(token.toBytes(), bytes);
      assert.deepEqual(WatchCursor.fromHex(token.toHex()).toBytes(), bytes);
    }
  });

  test("refuses more than 10 bytes, hex that is not whole bytes, and numbers that are not exact", () => {
    const attempts = [
      () => VersionToken.fromBytes(new Uint8Array(11)),
      () => VersionToken.fromHex("abc"),
      () => VersionToken.fromHex("zz"),
      () => WatchCursor.fromU64(-1n),
      () => WatchCursor.fromU64(1n << 64n),
      () => WatchCursor.fromU64(2 ** 53),
      () => WatchCursor.fromU64(1.5),
    ];
    for (const attempt of attempts) {
      assert.throws(attempt, (error) => isMillpondError(error, "invalid-argument"));
    }
  });

  test("does not change with the bytes it was made from or gave out", () => {
    const bytes = Uint8Array.of(1, 2);
    const token = VersionToken.fromBytes(bytes);
    bytes[0] = 9;
    token.toBytes()[1] = 9;
    assert.equal(token.toHex(), "0102");
  });

  test("shows its hex where it is printed", () => {
    assert.equal(inspect(WatchCursor.fromHex("0a0b")), "WatchCursor(0a0b)");
    assert.equal(
      String(WatchCursor.fromHex("0a0b")) + JSON.stringify({ at: VersionToken.unknown }),
      '0a0b{"at":""}',
    );
  });

  test("equals one of the same bytes only, and gives no u64 unless it has eight bytes", () => {
    assert.ok(VersionToken.fromHex("0001").equals(VersionToken.fromHex("0001")));
    assert.ok(!VersionToken.fromHex("0001").equals(VersionToken.fromHex("000100")));
    assert.ok(!VersionToken.fromHex("0001").equals(VersionToken.fromHex("0002")));
    assert.equal(VersionToken.fromHex("0001").toU64(), undefined);
    assert.notDeepEqual(VersionToken.fromHex("0001"), VersionToken.fromHex("0002"));
    assert.ok(VersionToken.unknown.isUnknown && WatchCursor.none.isNone);
  });
});
