import { v3Codec } from "../../src/log/v3/index.js";
import type { KvUpdate, LogPosition } from "../../src/values/index.js";

/** The body of a batch frame of format v3. */
export function bodyOf(updates: readonly KvUpdate[], position?: LogPosition): Uint8Array {
  const encoder = v3Codec.encoder();
  for (const update of updates) encoder.add(update);
  encoder.end(position);
  return Uint8Array.from(encoder.body() ?? []);
}

/** A whole frame as it has to lie at this offset of a file with this salt. */
export function frameOf(
  updates: readonly KvUpdate[],
  place: { readonly offset: number; readonly salt: Uint8Array },
  position?: LogPosition,
): Buffer {
  const encoder = v3Codec.encoder();
  for (const update of updates) encoder.add(update);
  encoder.end(position);
  return Buffer.from(encoder.stamp(place));
}
