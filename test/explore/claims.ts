import { type BucketKind, datedOf, limitsOf, overdueMs } from "./bucket-kind.js";
import type { Model } from "./rules-in-play.js";
import { follows, type State, type StreamRecord } from "./world.js";

/** The copy was said to be the bucket, and is not; or something was done to it that must never be. */
export class Diverged extends Error {}

/**
 * Whether the copy is the bucket, record by record, in what is followed and not over. One that retains may have more, of the same making
 * of the bucket.
 */
export function isBucket(state: State, { rules }: Model, kind: BucketKind): boolean {
  const { entries, records, clock, madeAt } = state;
  const retains = kind.evictions === "retain";
  let live = 0;
  for (const record of records) {
    const { key, isPut, isExpiry } = record;
    // What somebody deleted goes also where what is forgotten stays.
    if (!isPut && !isExpiry && follows(state, key) && entries[key] !== undefined) return false;
    if (!isPut || !follows(state, key) || overdueMs(record, clock, kind) >= 0) continue;
    live += 1;
    if (!isSame(entries[key], record)) return false;
  }
  let shown = 0;
  for (const [key, entry] of entries.entries()) {
    if (entry === undefined || !follows(state, key)) continue;
    if (entry.time < madeAt) return false;
    if (retains || rules.expiresAtMs(datedOf(entry), limitsOf(kind)) > clock) shown += 1;
  }
  return retains ? shown >= live : shown === live;
}

function isSame(held: StreamRecord | undefined, record: StreamRecord): boolean {
  return held !== undefined && held.seq === record.seq && held.time === record.time;
}

/** The replica says that the copy is the bucket, as of the answer that it has; nobody can hold a later loss against it. */
export function claimed(
  state: State,
  { count, phase }: State,
  model: Model,
  kind: BucketKind,
): State {
  if (state.phase !== "following" || phase !== "following") return state;
  if (count?.isOld !== true && !isBucket(state, model, kind)) {
    throw new Diverged("said to be in sync, and is not");
  }
  return state;
}
