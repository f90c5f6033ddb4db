/**
 * What a repair deletes: the keys that the copy has and a fresh listing of the bucket does not, each once, in the order of
 * `known`. A key that the listing has and the copy lacks is none of its business: the watch after it delivers that key.
 */
export function vanishedKeys(known: Iterable<string>, live: ReadonlySet<string>): string[] {
  const vanished = new Set<string>();
  for (const key of known) {
    if (!live.has(key)) vanished.add(key);
  }
  return [...vanished];
}
