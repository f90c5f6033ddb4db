import assert from "node:assert/strict";
import { inScope, scopeOf } from "../../../src/kv/index.js";
import { filtersAreExact, filtersOf } from "../../../src/nats/subjects.js";
import {
  checkKey,
  checkPrefix,
  checkReadableKey,
  VersionToken,
  WatchCursor,
} from "../../../src/values/index.js";
import { mutatedText } from "../mutate.js";
import { refusal, textTarget, type Verdict } from "../target.js";

/** A token's hex is refused, or comes back as it was, in lower case. */
function checkToken(hex: string): Verdict {
  try {
    const token = VersionToken.fromHex(hex);
    assert.equal(token.toHex(), hex.toLowerCase());
    assert.ok(WatchCursor.fromVersion(token).equals(WatchCursor.fromHex(hex)));
    const number = token.toU64();
    if (number !== undefined) assert.ok(VersionToken.fromU64(number).equals(token));
    assert.equal(number !== undefined, token.length === 8);
    return "accepted";
  } catch (error) {
    return refusal(error, ["invalid-argument"]);
  }
}

const KEYS = [
  "edge.eu.web",
  "a",
  "a-b_c/d=e",
  "ü",
  "a*b",
  "a.*.b",
  "a.>",
  "edge.",
  "a..b",
  "\u{1F600}",
];

/** A key that may be written may be read, and each of its beginnings can be a prefix; no other key is taken that a subject could not hold. */
function checkOneKey(key: string): Verdict {
  const [writable, readable, prefix] = [checkKey, checkReadableKey, checkPrefix].map((check) =>
    isTaken(() => check(key)),
  );
  if (writable === true) {
    assert.ok(readable === true && prefix === true, "a key that may be written may not be read");
    for (let length = 0; length < key.length; length += 1) checkPrefix(key.slice(0, length));
  }
  if (readable !== true) return "invalid-key";
  assert.ok(key.isWellFormed() && !/[\s\0]/.test(key));
  assert.ok(key.split(".").every((token) => token !== "" && token !== "*" && token !== ">"));
  return "accepted";
}

function isTaken(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    refusal(error, ["invalid-key"]);
    return false;
  }
}

const SCOPES = ["edge.|core.", "", "a", "a.b|a.b.c|a.", "edge.eu|edge.us|core", "ü.|\u{1F600}"];
const PROBES = ["", "edge.eu.web", "edge.eu", "core.x", "core", "a.b.c.d", "ab", "ü.x"];

/** The filters of a scope let every key in it through and none of them another's keys; where they are exact, no key that is not in it. */
function checkScope(text: string): Verdict {
  const prefixes = text.split("|");
  let scope: ReturnType<typeof scopeOf>;
  try {
    scope = scopeOf(prefixes);
  } catch (error) {
    return refusal(error, ["invalid-key"]);
  }
  const filters = filtersOf("b", scope).map((filter) => {
    assert.ok(filter.startsWith("$KV.b.") && filter.endsWith(">"), filter);
    return filter.slice("$KV.b.".length, -1);
  });
  for (const filter of filters) {
    assert.ok(filter === "" || filter.endsWith("."), "a filter ends within a token");
    assert.ok(!filters.some((other) => other !== filter && other.startsWith(filter)));
  }
  for (const key of [...PROBES, ...prefixes, ...prefixes.map((prefix) => `${prefix}x.y`)]) {
    const isLetThrough = filters.some((filter) => key.startsWith(filter));
    assert.equal(
      inScope(scope, key),
      prefixes.some((prefix) => key.startsWith(prefix)),
      key,
    );
    if (inScope(scope, key)) assert.ok(isLetThrough, `${key} is not let through`);
    else if (filtersAreExact(scope)) assert.ok(!isLetThrough, `${key} is let through`);
  }
  return "accepted";
}

const TOKENS = [
  "",
  "00",
  "0000000000000001",
  "ffffffffffffffff",
  "00112233445566778899",
  "ABcd",
  "0",
  "0x00",
];

export const valueTargets = (
  [
    ["token", TOKENS, checkToken],
    ["key", KEYS, checkOneKey],
    ["scope", SCOPES, checkScope],
  ] as const
).map(([name, corpus, check]) =>
  textTarget({ name, share: 500, check, generate: (random) => mutatedText(random, corpus) }),
);
