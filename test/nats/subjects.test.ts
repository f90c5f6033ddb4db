import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allKeys, scopeOf } from "../../src/kv/index.js";
import { filtersAreExact, filtersOf } from "../../src/nats/subjects.js";

describe("the filters of a scope", () => {
  test("of everything are the whole bucket", () => {
    assert.deepEqual(filtersOf("b", allKeys), ["$KV.b.>"]);
  });

  test("of a prefix that ends in a dot are the keys below it", () => {
    assert.deepEqual(filtersOf("b", scopeOf(["edge.eu."])), ["$KV.b.edge.eu.>"]);
  });

  test("of any other prefix are cut back to its last dot", () => {
    assert.deepEqual(filtersOf("b", scopeOf(["edge.eu"])), ["$KV.b.edge.>"]);
    assert.deepEqual(filtersOf("b", scopeOf(["ed"])), ["$KV.b.>"]);
  });

  test("never overlap, also where cutting back makes them", () => {
    const scope = scopeOf(["edge.a", "edge.b", "core.", "core.x.", "other.y.z"]);
    assert.deepEqual(filtersOf("b", scope), ["$KV.b.core.>", "$KV.b.edge.>", "$KV.b.other.y.>"]);
    assert.deepEqual(filtersOf("b", scopeOf(["edge.", "e"])), ["$KV.b.>"]);
  });

  test("do not take one token for the beginning of another", () => {
    assert.deepEqual(filtersOf("b", scopeOf(["edge.", "edges."])), [
      "$KV.b.edge.>",
      "$KV.b.edges.>",
    ]);
  });

  test("of no prefix are none", () => {
    assert.deepEqual(filtersOf("b", scopeOf([])), []);
  });

  test("are exact where every prefix ends in a dot or is empty", () => {
    assert.ok(filtersAreExact(allKeys));
    assert.ok(filtersAreExact(scopeOf(["a.", "b.c."])));
    assert.ok(!filtersAreExact(scopeOf(["a.", "b.c"])));
  });
});
