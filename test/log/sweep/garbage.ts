import { crc32 } from "node:zlib";
import type { Random } from "../../../src/platform/index.js";
import { randomBatches } from "../../support/random-batches.js";
import { integerBelow } from "../../support/seed.js";
import { SALT } from "../../support/v3-logs.js";
import { codecOf } from "../../../src/log/codecs.js";
import { sampleOf, type Sample } from "./samples.js";

const HEADERS = { 2: codecOf(2).header(SALT), 3: codecOf(3).header(SALT) } as const;
const FORMATS = [2, 3] as const;

/** Logs to change, made once: making them takes longer than reading them. */
export function seedsOf(seed: number): Sample[] {
  return Array.from({ length: 64 }, (_, index) =>
    sampleOf(FORMATS[index % 2] ?? 3, randomBatches(seed + index, 3)),
  );
}

/** Bytes that were never a log, or are one no more, at most some KiB. */
export function garbage(random: Random, seeds: readonly Sample[]): Buffer {
  const kind = random();
  if (kind < 0.15) return junk(random);
  if (kind < 0.3) return Buffer.concat([HEADERS[2], junk(random)]);
  if (kind < 0.45) return Buffer.concat([HEADERS[3], junk(random)]);
  const seed = seeds[integerBelow(random, seeds.length)];
  if (seed === undefined || kind < 0.5) return headerJunk(random);
  return withChecksums(random, seed);
}

/** Small numbers are what kinds and lengths are made of, and sync bytes what heads begin with. */
function junk(random: Random): Buffer {
  const small = random();
  const bytes = Buffer.from(
    Array.from({ length: integerBelow(random, 300) }, () =>
      integerBelow(random, random() < small ? 5 : 256),
    ),
  );
  for (
    let at = integerBelow(random, 40);
    at + 2 <= bytes.length;
    at += 1 + integerBelow(random, 90)
  ) {
    bytes.set([0x9d, 0xf3], at);
  }
  return bytes;
}

/** A v3 header with anything in it, whose checksum holds. */
function headerJunk(random: Random): Buffer {
  const bytes = Buffer.concat([HEADERS[3], junk(random)]);
  const at = 4 + integerBelow(random, 16);
  bytes[at] = integerBelow(random, 256);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20);
  return bytes;
}

/** A good log with some bytes changed, put in or cut out, and then checksums that hold wherever a frame may start. */
function withChecksums(random: Random, { format, bytes, bounds }: Sample): Buffer {
  const frames = bounds.slice(0, -1).map((start, index) => {
    const frame = Buffer.from(bytes.subarray(start, bounds[index + 1]));
    return random() < 0.4 ? changed(random, frame, format === 3 ? 16 : 5) : frame;
  });
  let offset = bounds[0] ?? 0;
  for (const frame of frames) {
    if (random() < 0.95) {
      if (format === 3) seal(random, frame, offset);
      else frame.writeUInt32LE(crc32(frame.subarray(4)), 0);
    }
    offset += frame.length;
  }
  return Buffer.concat([HEADERS[format], ...frames]);
}

function changed(random: Random, frame: Buffer, headBytes: number): Buffer {
  const at = headBytes + integerBelow(random, Math.max(1, frame.length - headBytes));
  const rest = frame.subarray(at);
  const cut = random();
  if (cut < 0.15) return Buffer.concat([frame.subarray(0, at), junk(random), rest]);
  if (cut < 0.3) return Buffer.from(frame.subarray(0, Math.max(headBytes, at)));
  const copy = Buffer.from(frame);
  for (let left = 1 + integerBelow(random, 3); left > 0; left -= 1) {
    // Most of what can be wrong is in the fixed parts.
    const reach =
      random() < 0.7 ? Math.min(frame.length - headBytes, 40) : frame.length - headBytes;
    if (reach <= 0) break;
    copy[headBytes + integerBelow(random, reach)] = integerBelow(random, random() < 0.5 ? 8 : 256);
  }
  return copy;
}

function seal(random: Random, frame: Buffer, offset: number): void {
  if (random() < 0.05) frame[2 + integerBelow(random, 2)] = integerBelow(random, 256);
  if (random() < 0.95) frame.writeUInt32LE(frame.length - 16, 4);
  frame.writeUInt32LE(crc32(frame.subarray(16)), 8);
  const place = Buffer.alloc(8);
  place.writeBigUInt64LE(BigInt(offset));
  frame.writeUInt32LE(crc32(Buffer.concat([SALT, place, frame.subarray(0, 12)])), 12);
}
