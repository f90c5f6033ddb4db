import type { Lineage } from "../v3/index.js";

/** Where a follower stands in a file: all up to `offset` is taken. */
export interface FollowedPlace {
  readonly salt: Uint8Array;
  readonly offset: number;
}

/**
 * The offset in a compacted file at which a follower of the one before goes on without having read anything of it; `undefined`
 * where the file came from another one, or where the follower had not come as far as the frames that were copied.
 */
export function placeAfter(
  lineage: Lineage | undefined,
  { salt, offset }: FollowedPlace,
): number | undefined {
  if (lineage === undefined || offset < lineage.oldOffset) return undefined;
  if (salt.length === 0 || Buffer.compare(lineage.oldSalt, salt) !== 0) return undefined;
  return lineage.newOffset + (offset - lineage.oldOffset);
}
