import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import type { WatchCursor } from "../../../src/values/index.js";
import { formatOf, framesOf, sealFrame, V3_HEAD_BYTES } from "./frames.js";

/**
 * Throws where a repair kept a position although a frame that is still good behind the damage withdraws it, or begins another
 * origin: what that position rested on was found to be gone. By FORMAT.md and a search of every offset.
 */
export function requireNoneGivenUp(bytes: Buffer, damage: number, kept: WatchCursor): void {
  if (kept.isNone) return;
  const withdrawal =
    formatOf(bytes) === 2 ? withdrawalOf2(bytes, damage) : withdrawalOf3(bytes, damage);
  assert.equal(withdrawal, undefined, `the position before ${damage} was given up later`);
}

function withdrawalOf3(bytes: Buffer, damage: number): number | undefined {
  const { header } = framesOf(bytes);
  for (
    let at = bytes.indexOf("9df3", damage + 1, "hex");
    at >= 0;
    at = bytes.indexOf("9df3", at + 1, "hex")
  ) {
    if (at + V3_HEAD_BYTES + 16 > bytes.length) return undefined;
    const frame = Buffer.from(bytes.subarray(at, at + V3_HEAD_BYTES + bytes.readUInt32LE(at + 4)));
    const asSealed = Buffer.from(frame);
    sealFrame(asSealed, header, at);
    if (!asSealed.equals(frame) || frame[2] !== 1 || frame.length < V3_HEAD_BYTES + 16) continue;
    const [flags = 0, cursorBytes] = frame.subarray(V3_HEAD_BYTES);
    if ((flags & 2) !== 0 || ((flags & 1) !== 0 && cursorBytes === 0)) return at;
  }
  return undefined;
}

function withdrawalOf2(bytes: Buffer, damage: number): number | undefined {
  for (let at = damage + 1; at + 6 <= bytes.length;) {
    const record = framesOf(
      Buffer.concat([Buffer.from("PGSS\x02\x00", "latin1"), bytes.subarray(at)]),
    ).frames[0];
    const end = at + (record?.length ?? 0);
    const type = record?.[4] ?? 0;
    const isGood =
      record !== undefined &&
      end <= bytes.length &&
      type >= 1 &&
      type <= 3 &&
      crc32(record.subarray(4)) === record.readUInt32LE(0);
    if (isGood && type === 3 && record.length === 6) return at;
    at = isGood ? end : at + 1;
  }
  return undefined;
}
