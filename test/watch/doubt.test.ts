import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { origin, revisions } from "../support/auditing.js";
import { Gate } from "../support/gate.js";
import { at, batchOf, put, removal, ScriptedSource } from "../support/scripted-source.js";
import { bring, startWatching, turns } from "../support/watching.js";

const level = { pending: 0, caughtUp: true };

describe("a source that doubts whether its bucket has still the same history", () => {
  test("has the copy audited once all is applied that came before the doubt, which is of the other history perhaps", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2));
    const gate = new Gate();
    let isShut = false;
    await using watching = startWatching({
      source,
      auditor: source,
      origin,
      apply: () => (isShut ? gate.pass() : undefined),
    });
    await bring(watching, [put("a", 1), put("b", 2)], { cursor: at(9), caughtUp: true });
    assert.deepEqual(revisions(watching.store), ["a@1", "b@2"]);
    isShut = true;
    // Of the history that has gone; the bucket was put back to where it had `a`.
    source.current.give(batchOf([removal("a", 10)], level));
    await turns(10);
    watching.clock.advance(10);
    source.current.give(batchOf([], { ...level, cursor: at(12), doubts: 1, rebuilds: 1 }));
    await turns(30);
    isShut = false;
    gate.open();
    for (let round = 0; round < 3; round += 1) {
      watching.clock.advance(10);
      await turns(30);
    }
    assert.deepEqual(revisions(watching.store), ["a@1", "b@2"]);
    const audited = watching.events.filter(({ type }) => type === "audited");
    assert.equal(audited.length, 1);
  });
});
