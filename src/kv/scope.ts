import { checkPrefix } from "../values/index.js";

/** Which keys a watch follows. Prefixes are plain text, not wildcards; an empty list of them watches nothing. */
export type WatchScope =
  | { readonly kind: "all" }
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "prefixes"; readonly prefixes: readonly string[] };

/** The scope of every key. */
export const allKeys: WatchScope = { kind: "all" };

/** The scope of a list of prefixes; no list is every key. Throws `invalid-key` for a prefix that no key can have. */
export function scopeOf(prefixes: readonly string[] | undefined): WatchScope {
  if (prefixes === undefined) return allKeys;
  for (const prefix of prefixes) checkPrefix(prefix);
  const needed = withoutContained(prefixes);
  if (needed.length !== 1) return { kind: "prefixes", prefixes: needed };
  const [prefix = ""] = needed;
  return prefix === "" ? allKeys : { kind: "prefix", prefix };
}

/** The scope as a list of prefixes, sorted, none of which contains another; `[""]` for every key. */
export function prefixesOf(scope: WatchScope): string[] {
  switch (scope.kind) {
    case "all":
      return [""];
    case "prefix":
      return [scope.prefix];
    case "prefixes":
      return withoutContained(scope.prefixes);
  }
}

/** Whether `key` belongs to the scope. */
export function inScope(scope: WatchScope, key: string): boolean {
  switch (scope.kind) {
    case "all":
      return true;
    case "prefix":
      return key.startsWith(scope.prefix);
    case "prefixes":
      return scope.prefixes.some((prefix) => key.startsWith(prefix));
  }
}

function withoutContained(prefixes: readonly string[]): string[] {
  const needed: string[] = [];
  // Sorted, a prefix directly follows the shorter ones that contain it.
  for (const prefix of prefixes.toSorted()) {
    const last = needed.at(-1);
    if (last === undefined || !prefix.startsWith(last)) needed.push(prefix);
  }
  return needed;
}
