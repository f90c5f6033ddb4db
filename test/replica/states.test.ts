import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  nextStanding,
  shownState,
  type StateEvent,
  type WatchStanding,
} from "../../src/replica/states.js";

function after(...events: StateEvent[]): WatchStanding {
  return events.reduce<WatchStanding>(nextStanding, "loading");
}

const EVENTS: readonly StateEvent[] = [
  "opened",
  "watching",
  "level",
  "lost",
  "interrupted",
  "silent",
  "repair-started",
  "repair-finished",
  "failed",
];

describe("the state of a replica", () => {
  test("is live only once a watch is level, and no longer once it is lost or repaired", () => {
    assert.equal(after("opened", "watching"), "syncing");
    assert.equal(after("opened", "watching", "level"), "live");
    assert.equal(after("opened", "watching", "level", "lost"), "stale");
    assert.equal(after("opened", "watching", "level", "lost", "watching"), "syncing");
    assert.equal(after("opened", "watching", "level", "repair-started"), "repairing");
    assert.equal(after("opened", "repair-started", "lost"), "stale");
  });

  test("is live after an interruption only once the source has said again that the copy is level", () => {
    assert.equal(after("opened", "watching", "level", "interrupted"), "syncing");
    assert.equal(after("opened", "watching", "level", "interrupted", "level"), "live");
  });

  test("is repairing until the repair is finished, whatever the watch that repairs tells", () => {
    assert.equal(after("opened", "repair-started", "watching", "level"), "repairing");
    assert.equal(after("opened", "watching", "repair-started", "repair-finished"), "syncing");
    assert.equal(after("opened", "watching", "repair-started", "repair-finished", "level"), "live");
  });

  test("is not called live by a word that was under way when its watch was lost", () => {
    assert.equal(after("opened", "watching", "level", "lost", "level"), "stale");
  });

  test("comes back from silence as soon as something is heard", () => {
    const silent = after("opened", "watching", "level", "silent");
    assert.equal(shownState(silent, true), "stale");
    assert.equal(nextStanding(silent, "level"), "live");
    // One that was not live has nothing to lose.
    assert.equal(after("opened", "watching", "silent"), "syncing");
  });

  test("is shown as stale while nothing can flow, where it is one that follows", () => {
    for (const standing of ["syncing", "live", "stale", "repairing"] as const) {
      assert.equal(shownState(standing, true), standing);
      assert.equal(shownState(standing, false), "stale");
    }
    for (const standing of ["loading", "failed", "closed"] as const) {
      assert.equal(shownState(standing, true), standing);
      assert.equal(shownState(standing, false), standing);
    }
  });

  test("becomes live by being level alone, and after nothing that proves less", () => {
    const standings = ["loading", "syncing", "live", "silent", "stale", "repairing"] as const;
    for (const standing of standings) {
      for (const event of EVENTS) {
        const isLive = nextStanding(standing, event) === "live";
        const may = event === "level" && ["syncing", "live", "silent"].includes(standing);
        assert.equal(isLive, may, `${standing}, ${event}`);
      }
    }
  });

  test("stays failed, and stays closed, whatever a late event says", () => {
    for (const event of EVENTS) {
      assert.equal(after("opened", "failed", event), "failed");
      assert.equal(after("opened", "closed", event), "closed");
    }
    assert.equal(after("failed", "closed"), "closed");
  });
});
