/** What a position belongs to. A position says nothing about another bucket, another making of it, or other keys. */
export interface CopyIdentity {
  readonly bucket: string;
  /** When the bucket was made, as its backend writes it. */
  readonly created: string;
  /** The prefixes followed, as `prefixesOf` gives them: sorted, none containing another. */
  readonly scope: readonly string[];
}

/** `yes`, or why not. */
export type ResumeVerdict =
  "yes" | "unknown-origin" | "other-bucket" | "bucket-recreated" | "other-scope";

/**
 * Whether a position that was kept with `stored` may be resumed in `actual`. A wider scope would miss the keys that were
 * not followed, a narrower one keep those that no longer are, so that only the same scope resumes. A bucket that was
 * deleted and made again reuses sequences without saying so (seen on NATS 2.10 and 2.15), which only `created` shows.
 */
export function mayResume(stored: CopyIdentity | undefined, actual: CopyIdentity): ResumeVerdict {
  if (stored === undefined) return "unknown-origin";
  if (stored.bucket !== actual.bucket) return "other-bucket";
  if (stored.created !== actual.created) return "bucket-recreated";
  return sameScope(stored.scope, actual.scope) ? "yes" : "other-scope";
}

function sameScope(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((prefix, index) => prefix === b[index]);
}
