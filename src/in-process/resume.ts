import type { WatchCursor } from "../values/index.js";
import { cursorExpired } from "./failures.js";

/**
 * The sequence that a watch resumes after. Throws `cursor-expired` unless everything after the cursor is still there, as
 * far as a NATS stream can tell: its first sequence is at most one further, and its last is not before the cursor.
 */
export function resumeSequence(
  cursor: WatchCursor,
  bucket: string,
  window: { readonly firstSequence: number; readonly lastSequence: number },
): number {
  const sequence = cursor.toU64();
  if (sequence === undefined) {
    throw cursorExpired(`${cursor.toHex()} is not a position in bucket ${bucket}`);
  }
  if (sequence > BigInt(window.lastSequence)) {
    throw cursorExpired(
      `bucket ${bucket} ends at ${window.lastSequence}, before the position ${sequence}: it was made again or rolled back`,
    );
  }
  const from = Number(sequence);
  if (window.firstSequence > from + 1) {
    throw cursorExpired(
      `bucket ${bucket} begins at ${window.firstSequence}: what came after the position ${from} is gone`,
    );
  }
  return from;
}
