import type { Random } from "../../../src/platform/index.js";
import { codecOf } from "../../../src/log/codecs.js";
import type { LogFormat } from "../../../src/log/codec.js";
import { integerBelow } from "../../support/seed.js";
import { SALT } from "../../support/v3-logs.js";
import { sealHeader } from "./frames.js";

const HEADERS = { 2: codecOf(2).header(SALT), 3: codecOf(3).header(SALT) } as const;

/** Bytes that were never a log, with a header before them or without. */
export function garbage(random: Random, format: LogFormat): Buffer {
  const kind = random();
  if (kind < 0.3) return junk(random);
  if (kind < 0.8 || format === 2) return Buffer.concat([HEADERS[format], junk(random)]);
  return headerJunk(random);
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
  bytes[4 + integerBelow(random, 16)] = integerBelow(random, 256);
  sealHeader(bytes);
  return bytes;
}
