import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  nextState,
  type ReplicaState,
  shownState,
  type StateEvent,
} from "../../src/replica/states.js";

function after(...events: StateEvent[]): ReplicaState {
  return events.reduce<ReplicaState>(nextState, "loading");
}

describe("the state of a replica", () => {
  test("is live only once a watch has caught up, and no longer once it is lost or repaired", () => {
    assert.equal(after("opened", "watching"), "syncing");
    assert.equal(after("opened", "watching", "caught-up"), "live");
    assert.equal(after("opened", "watching", "caught-up", "lost"), "stale");
    assert.equal(after("opened", "watching", "caught-up", "lost", "watching"), "syncing");
    assert.equal(after("opened", "watching", "caught-up", "repair-started"), "repairing");
    assert.equal(after("opened", "repair-started", "repair-finished", "watching"), "syncing");
    assert.equal(after("opened", "repair-started", "lost"), "stale");
  });

  test("is shown as stale while the line is down, where it is one that follows", () => {
    for (const state of ["syncing", "live", "stale"] as const) {
      assert.equal(shownState(state, true), state);
      assert.equal(shownState(state, false), "stale");
    }
    for (const state of ["loading", "repairing", "failed", "closed"] as const) {
      assert.equal(shownState(state, true), state);
      assert.equal(shownState(state, false), state);
    }
  });

  test("stays failed, and stays closed, whatever a late event says", () => {
    const events: StateEvent[] = [
      "opened",
      "watching",
      "caught-up",
      "lost",
      "repair-started",
      "repair-finished",
      "failed",
    ];
    for (const event of events) {
      assert.equal(after("opened", "failed", event), "failed");
      assert.equal(after("opened", "closed", event), "closed");
    }
    assert.equal(after("failed", "closed"), "closed");
  });
});
