/** How many keys a copy knows the bucket to have a record of. */
export interface KnownCount {
  /** Keys with a value and keys known to have been removed. */
  readonly sure: number;
  /**
   * Keys whose record may or may not be there any more: what expires about now. 0 or more, beyond `sure`.
   */
  readonly unsure: number;
  /** Whether every record that the bucket had when the copy was last proven is among them, removals included. */
  readonly isExact: boolean;
}

/** `equal`: nothing is missing. `differs`: something is. `unproven`: this count cannot tell. */
export type CountVerdict = "equal" | "differs" | "unproven";

/**
 * What a count of the bucket's keys says about a copy. `before`: known when the question was put, of which everything had
 * been applied that the bucket had at some earlier moment; `after`: known once everything up to the answer is applied. A bucket has no key that a copy
 * does not know once it has applied everything, so that with exact knowledge equal numbers are equal sets.
 *
 * A key that the copy knows and the bucket has no record of was lost without a word, so fewer records than were known before differ
 * for sure, exact or not. Keys that came between the question and the answer leave room for a loss of as many. So do records that may or
 * may not be there: one that still is can stand in for one that was lost, unless all of them are there.
 */
export function countVerdict(before: KnownCount, after: KnownCount, records: number): CountVerdict {
  if (records < before.sure) return "differs";
  if (!after.isExact || !before.isExact) return "unproven";
  const most = after.sure + after.unsure;
  if (records > most) return "differs";
  return records === most && before.sure + before.unsure === most ? "equal" : "unproven";
}

/**
 * By how many records a count that `differs` is off: below 0 where the bucket has fewer than were known before, above 0 where it has more
 * than are known after; 0 where it does not differ. An audit that finds nothing explains this number and no other.
 */
export function countGap(before: KnownCount, after: KnownCount, records: number): number {
  if (countVerdict(before, after, records) !== "differs") return 0;
  return records - (records < before.sure ? before.sure : after.sure + after.unsure);
}

/** Counts in a row that could tell nothing, after which an audit is due. */
const MOST_UNPROVEN = 3;

/**
 * Whether a copy must be compared with its bucket record by record: a count differs; or removals that the bucket may have are not
 * known, so that no count can ever prove anything (after a start that resumed); or nothing was proven several times.
 */
export function auditIsDue(
  verdict: CountVerdict,
  isExact: boolean,
  unprovenInRow: number,
): boolean {
  if (verdict !== "unproven") return verdict === "differs";
  return !isExact || unprovenInRow >= MOST_UNPROVEN;
}
