import { resumeIsSound } from "../rules/index.js";
import type { WatchCursor } from "../values/index.js";
import { cursorExpired } from "./failures.js";

/** The sequence that a watch resumes after. Throws `cursor-expired` unless {@link resumeIsSound}. */
export function resumeSequence(
  cursor: WatchCursor,
  bucket: string,
  window: { readonly firstSequence: number; readonly lastSequence: number },
): number {
  const { firstSequence, lastSequence } = window;
  const revision = cursor.toU64();
  if (revision === undefined) {
    throw cursorExpired(`${cursor.toHex()} is not a position in bucket ${bucket}`);
  }
  const kept = { firstSequence: BigInt(firstSequence), lastSequence: BigInt(lastSequence) };
  if (resumeIsSound(revision, kept)) return Number(revision);
  throw cursorExpired(
    `bucket ${bucket} holds ${firstSequence} to ${lastSequence}: what came after the position ${revision} is not all there`,
  );
}
