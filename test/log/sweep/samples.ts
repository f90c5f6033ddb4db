import { codecOf } from "../../../src/log/codecs.js";
import type { LogFormat } from "../../../src/log/codec.js";
import type { LogPosition } from "../../../src/values/index.js";
import type { RandomBatch } from "../../support/random-batches.js";
import { integerBelow, randomFrom } from "../../support/seed.js";
import { put } from "../../support/updates.js";
import { positionAt, SALT } from "../../support/v3-logs.js";

/** A good log, and where its header and each of its frames (of format 2: records) end. */
export interface Sample {
  readonly format: LogFormat;
  readonly bytes: Buffer;
  readonly bounds: readonly number[];
}

export function sampleOf(format: LogFormat, batches: Iterable<RandomBatch>): Sample {
  const codec = codecOf(format);
  const parts: Uint8Array[] = [codec.header(SALT)];
  const bounds = [codec.headerBytes];
  const encoder = codec.encoder();
  const write = (position?: LogPosition): void => {
    encoder.end(position);
    const end = bounds.at(-1) ?? 0;
    parts.push(Uint8Array.from(encoder.stamp({ offset: end, salt: SALT })));
    if (encoder.length > 0) bounds.push(end + encoder.length);
    encoder.clear();
  };
  for (const { updates, position } of batches) {
    for (const update of updates) {
      encoder.add(update);
      if (format === 2) write();
    }
    if (format === 3 || position !== undefined) write(position);
  }
  return { format, bytes: Buffer.concat(parts), bounds };
}

/** About so many bytes: puts of keys of 60 bytes and values of about 200, up to 100 to a position. */
export function longSample(format: LogFormat, seed: number, bytes: number): Sample {
  const random = randomFrom(seed);
  const batches: RandomBatch[] = [];
  let revision = 0;
  let made = 0;
  const isShort = (): boolean => made < bytes;
  while (isShort()) {
    const updates = Array.from({ length: 1 + integerBelow(random, 100) }, () => {
      revision += 1;
      const key = `edge.${integerBelow(random, 5000)}.`.padEnd(60, "k");
      const value = Uint8Array.from({ length: integerBelow(random, 400) }, () =>
        integerBelow(random, 256),
      );
      made += 80 + value.length;
      return put(key, value, revision);
    });
    batches.push({ updates, position: positionAt(revision) });
  }
  return sampleOf(format, batches);
}

/** Where the header and the frames of a good log end, by the lengths in it. */
export function boundsOf(format: LogFormat, bytes: Buffer): number[] {
  const bounds = [codecOf(format).headerBytes];
  for (let at = bounds[0] ?? 0; at < bytes.length; at = bounds.at(-1) ?? Infinity) {
    bounds.push(format === 3 ? at + 16 + bytes.readUInt32LE(at + 4) : endOfRecord(bytes, at));
  }
  return bounds;
}

function endOfRecord(bytes: Buffer, start: number): number {
  const type = bytes[start + 4];
  let at = start + 5;
  if (type !== 3) at += 2 + bytes.readUInt16LE(at);
  if (type === 1) at += 4 + bytes.readUInt32LE(at);
  return at + 1 + (bytes[at] ?? 0);
}
