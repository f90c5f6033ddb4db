/**
 * Whether the record that a bucket has at a kept position is another than the one that was there when it was kept. A store that was
 * rolled back to a backup keeps the bucket's `created` and gives the same sequences to other records: once it has grown past the position, only
 * the time shows it. `false` where either time is not known, or the record has gone: then nothing can be said.
 *
 * `positionTimeNs`: in ns since 1970, `0n` not known. `record`: its time in ms (whole ones), `undefined` where there is none.
 */
export function isRolledBack(
  positionTimeNs: bigint,
  record: { readonly timeMs?: number | undefined } | undefined,
): boolean {
  if (positionTimeNs === 0n || record?.timeMs === undefined) return false;
  return BigInt(Math.floor(record.timeMs)) !== positionTimeNs / 1_000_000n;
}
