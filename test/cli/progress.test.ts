import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hydrationLine, statusLine } from "../../src/cli/progress.js";

describe("the progress bar", () => {
  test("shows the share done, the rate and the time left", () => {
    assert.equal(
      hydrationLine({ received: 30_000, pending: 90_000, elapsedMs: 2000 }, 200),
      "[######------------------]   25 %  30,000 of 120,000  15,000/s  0:06 left",
    );
  });

  test("is empty before the first update and full for an empty bucket", () => {
    assert.match(
      hydrationLine({ received: 0, pending: 10, elapsedMs: 0 }, 200),
      /^\[-{24}\] +0 %.*\? left$/,
    );
    assert.match(
      hydrationLine({ received: 0, pending: 0, elapsedMs: 5 }, 200),
      /^\[#{24}\] +100 %/,
    );
  });

  test("never wraps a narrow terminal", () => {
    const status = {
      state: "live",
      keys: 1_234_567,
      cursor: "1234567890",
      lag: 12,
      updatesPerSecond: 1999.6,
      connected: false,
      stalenessMs: 100,
      diskFailingMs: undefined,
    };
    assert.equal(hydrationLine({ received: 1, pending: 1, elapsedMs: 1 }, 20).length, 19);
    assert.equal(statusLine(status, 40).length, 39);
    assert.equal(
      statusLine(status, 200),
      "live, NOT CONNECTED  1,234,567 keys  cursor 1234567890  lag 12  2,000 updates/s",
    );
  });

  test("says how old a copy is that is not live, and that the disk fails", () => {
    const status = {
      state: "stale",
      keys: 1,
      cursor: "7",
      lag: 0,
      updatesPerSecond: 0,
      connected: true,
      stalenessMs: 75_000,
      diskFailingMs: 3000,
    };
    assert.match(
      statusLine(status, 200),
      /^stale, connected, as of 1:15 ago  DISK FAILING for 0:03  /,
    );
    assert.match(statusLine({ ...status, stalenessMs: undefined }, 200), /of unknown age/);
  });
});
