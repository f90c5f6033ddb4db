import type { Random } from "../../../src/platform/index.js";
import { randomBatches } from "../../support/random-batches.js";
import { bodyOf } from "../../support/record-batch.js";
import { integerBelow } from "../../support/seed.js";
import { mutatedBytes, oneOf } from "../mutate.js";
import type { LogCorpus } from "./corpus.js";
import { sealFrame, sealHeader, sealRecord, V3_HEAD_BYTES, type Frames } from "./frames.js";

/**
 * A log that is not as it was written: frames changed, left out, doubled, put elsewhere or taken from another log, nearly all of
 * them under checksums that hold again, so that what is behind the checksums is reached; and now and then bytes changed after
 * that.
 */
export function mutantLog(random: Random, corpus: LogCorpus): Buffer {
  const log = oneOf(random, corpus.logs);
  let frames: Buffer[] = log.frames.map((frame) => Buffer.from(frame));
  for (let left = integerBelow(random, 4); left > 0; left -= 1) {
    frames = rearranged(random, frames, corpus, log.format);
  }
  const sealing = random() < 0.8 ? 0.97 : random();
  const whole =
    random() < 0.9 ? joined(random, log, frames, sealing) : Buffer.concat([log.header, ...frames]);
  return random() < 0.3 ? mutatedBytes(random, whole, corpus.files) : whole;
}

function rearranged(
  random: Random,
  frames: Buffer[],
  corpus: LogCorpus,
  format: Frames["format"],
): Buffer[] {
  const at = integerBelow(random, frames.length + 1);
  const frame = frames[at] ?? Buffer.alloc(0);
  switch (integerBelow(random, 8)) {
    case 0:
      return frames.toSpliced(at, 1);
    case 1:
      return frames.toSpliced(integerBelow(random, frames.length + 1), 0, Buffer.from(frame));
    case 2: {
      const other = oneOf(random, corpus.logs).frames;
      const from = integerBelow(random, other.length + 1);
      const taken = other.slice(from, from + 1 + integerBelow(random, 3));
      return frames.toSpliced(
        at,
        integerBelow(random, 2),
        ...taken.map((each) => Buffer.from(each)),
      );
    }
    case 3:
      return format === 3
        ? frames.toSpliced(at, 0, odd(random))
        : frames.toSpliced(at, 0, withdrawal());
    case 4:
      return format === 3 ? frames.toSpliced(at, 0, fresh(random)) : frames.toSpliced(at, 1);
    default:
      return frames.toSpliced(at, 1, inside(random, frame, format, corpus));
  }
}

/** A frame whose body is changed: most of what can be wrong is in the fixed parts at its beginning. */
function inside(
  random: Random,
  frame: Buffer,
  format: Frames["format"],
  corpus: LogCorpus,
): Buffer {
  const headBytes = Math.min(frame.length, format === 3 ? V3_HEAD_BYTES : 4);
  const head = frame.subarray(0, headBytes);
  const body = frame.subarray(headBytes);
  const reach = random() < 0.6 ? Math.min(body.length, 40) : body.length;
  const other = oneOf(random, corpus.logs).frames;
  const bodies = other.map((each) => each.subarray(headBytes));
  const pool = bodies.length === 0 ? [body] : bodies;
  if (reach > 0 && random() < 0.5) {
    // A byte at a time, so that what comes behind it stays in its place.
    const copy = Buffer.from(body);
    for (let left = 1 + integerBelow(random, 3); left > 0; left -= 1) {
      copy[integerBelow(random, reach)] = integerBelow(random, random() < 0.6 ? 12 : 256);
    }
    return Buffer.concat([head, copy]);
  }
  const start = mutatedBytes(random, body.subarray(0, reach), pool);
  return Buffer.concat([head, start, body.subarray(reach)]);
}

/** A frame of a kind that may be skipped, or of none that is known, or a lineage that says anything. */
function odd(random: Random): Buffer {
  const kind = oneOf(random, [0x80, 0x81, 0x81, 0x81, 0xff, 2, 0x7f]);
  const frame = Buffer.alloc(V3_HEAD_BYTES + (kind === 0x81 ? 24 : integerBelow(random, 40)));
  frame[2] = kind;
  for (let at = V3_HEAD_BYTES; at < frame.length; at += 1) {
    frame[at] = random() < 0.6 ? 0 : integerBelow(random, 256);
  }
  return frame;
}

/** A batch of this very moment. */
function fresh(random: Random): Buffer {
  const [batch] = randomBatches(integerBelow(random, 2 ** 31), 1);
  const body = bodyOf(batch?.updates ?? [], batch?.position);
  const frame = Buffer.concat([Buffer.alloc(V3_HEAD_BYTES), body]);
  frame[2] = 1;
  return frame;
}

/** Of format 2. */
function withdrawal(): Buffer {
  const record = Buffer.of(0, 0, 0, 0, 3, 0);
  sealRecord(record);
  return record;
}

function joined(random: Random, log: Frames, frames: readonly Buffer[], sealing: number): Buffer {
  const header = Buffer.from(log.header);
  if (random() < 0.04 && header.length > 0) {
    header[integerBelow(random, header.length)] = integerBelow(random, 256);
    if (log.format === 3 && random() < 0.8) sealHeader(header);
  }
  let offset = header.length;
  for (const frame of frames) {
    if (random() < sealing) {
      if (log.format === 2) sealRecord(frame);
      else {
        if (random() < 0.02 && frame.length > 3)
          frame[2 + integerBelow(random, 2)] = integerBelow(random, 256);
        const claims = random() < 0.04 && frame.length >= V3_HEAD_BYTES;
        // A length that its head vouches for, and that is not the body's: what follows may lie within it.
        if (claims) frame.writeUInt32LE(integerBelow(random, 3 * frame.length), 4);
        sealFrame(frame, header, offset, { length: !claims });
      }
    }
    offset += frame.length;
  }
  return Buffer.concat([header, ...frames]);
}
