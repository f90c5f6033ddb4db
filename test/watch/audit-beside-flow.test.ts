import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { copy, endless, origin, originOf, revisions, uncounted } from "../support/auditing.js";
import { at, put } from "../support/scripted-source.js";
import { bring, startWatching, turns } from "../support/watching.js";

describe("an audit, beside what the flow brings", () => {
  test("waits also for what the bucket stored while it was listed", async () => {
    const source = uncounted();
    const store = copy();
    const ended = originOf({ limits: endless, lastSequence: 9n });
    await using watching = startWatching({ source, store, auditor: source, origin: ended });
    // The record of `c` that a listing begins with is replaced before the listing comes to it.
    source.keep(put("a", 1), put("b", 2));
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(20);
    await bring(watching, [put("c", 9)], { caughtUp: true });
    assert.equal((await auditing).extra, 0);
    assert.deepEqual(
      watching.journal.filter((line) => line.startsWith("apply")),
      ["apply put c@9"],
    );
  });

  test("leaves to the flow a record that is newer than its position", async () => {
    const source = uncounted();
    const store = copy();
    await using watching = startWatching({ source, store, auditor: source, origin });
    source.keep(put("a", 1), put("b", 2), put("c", 3), put("d", 4));
    source.entry = (key) => {
      source.calls.push(`entry ${key}`);
      return Promise.resolve({ ...put(key, 7), kind: "put" });
    };
    const auditing = watching.watch.audit();
    await bring(watching, [], { cursor: at(5), caughtUp: true });
    await turns(60);
    assert.equal((await auditing).missing, 1);
    assert.ok(source.calls.includes("entry d"));
    assert.deepEqual(revisions(store), ["a@1", "b@2", "c@3"]);
    await bring(watching, [put("d", 6), put("d", 7)]);
    assert.deepEqual(revisions(store), ["a@1", "b@2", "c@3", "d@7"]);
  });

  test("brings what a floor swept meanwhile, of which the bucket has another record behind the position", async () => {
    const source = uncounted();
    await using watching = startWatching({ source, auditor: source, origin });
    const had = [put("a", 1), put("b", 2), put("c", 3)];
    await bring(watching, had, { cursor: at(5), caughtUp: true });
    watching.journal.length = 0;
    source.keep(put("c", 3), put("b", 4));
    source.duringListing = async () => {
      await bring(watching, [], { cursor: at(5), floor: at(3), caughtUp: true });
    };
    await watching.watch.audit();
    assert.deepEqual(
      watching.journal.filter((line) => line.startsWith("apply")),
      ["apply delete a@?, delete b@?", "apply put b@4"],
    );
    assert.deepEqual(revisions(watching.store), ["b@4", "c@3"]);
  });
});
