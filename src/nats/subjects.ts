import { prefixesOf, type WatchScope } from "../kv/index.js";

/** The stream that holds a bucket: the layout of every NATS KV client. */
export function streamOf(bucket: string): string {
  return `KV_${bucket}`;
}

/** What comes before the key in the subject of each of a bucket's records. */
export function subjectPrefixOf(bucket: string): string {
  return `$KV.${bucket}.`;
}

/**
 * The filters of one consumer that sees every key in scope, none of which contains another (the server refuses overlaps).
 * Only whole-token `prefix.>` filters: with a filter that is a literal key, a purge of that key makes 2.10 skip pending
 * messages of other keys. So a prefix that does not end in a dot is cut back to its last one, and lets keys through that are
 * not in scope. No prefixes give no filters.
 */
export function filtersOf(bucket: string, scope: WatchScope): string[] {
  const cut = prefixesOf(scope).map(wholeTokensOf);
  return prefixesOf({ kind: "prefixes", prefixes: cut }).map(
    (prefix) => `${subjectPrefixOf(bucket)}${prefix}>`,
  );
}

/** Whether the filters of a scope let through just the keys in it. */
export function filtersAreExact(scope: WatchScope): boolean {
  return prefixesOf(scope).every((prefix) => wholeTokensOf(prefix) === prefix);
}

function wholeTokensOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf(".") + 1);
}
