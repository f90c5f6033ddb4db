/** Sizes in bytes. */
export interface LogWeight {
  /** The whole log on disk. */
  readonly logBytes: number;
  /** What a log that is compact would take: the header, the live entries and one cursor. */
  readonly liveBytes: number;
  /** The least that a compaction must win. */
  readonly thresholdBytes: number;
  /** Whether the log is of another format than it should be. Default false. */
  readonly needsConversion?: boolean;
  /** What was appended since a compaction failed; `undefined` where none did. */
  readonly sinceFailureBytes?: number | undefined;
}

/**
 * Whether rewriting the log pays: the dead bytes exceed the threshold and the live bytes, so that each byte appended is
 * rewritten at most about once however large the log is. (A fixed threshold, as the original has, rewrites a large
 * log again and again.) After a failure the next try waits for another threshold of appended bytes, so that a full disk
 * is not hammered at every batch.
 */
export function isCompactionDue(weight: LogWeight): boolean {
  const { logBytes, liveBytes, thresholdBytes, sinceFailureBytes, needsConversion } = weight;
  if (sinceFailureBytes !== undefined && sinceFailureBytes <= thresholdBytes) return false;
  if (needsConversion === true) return true;
  return logBytes - liveBytes > Math.max(thresholdBytes, liveBytes);
}
