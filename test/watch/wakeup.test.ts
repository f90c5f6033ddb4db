import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Wakeup } from "../../src/watch/wakeup.js";
import { turns } from "../support/watching.js";

describe("a wake-up", () => {
  test("wakes all who wait", async () => {
    const wakeup = new Wakeup();
    const woken: string[] = [];
    const sleep = async (name: string): Promise<void> => {
      await wakeup.wait();
      woken.push(name);
    };
    void sleep("first");
    void sleep("second");
    await turns();
    assert.deepEqual(woken, []);
    wakeup.wake();
    await turns();
    assert.deepEqual(woken, ["first", "second"]);
  });

  test("that nobody waited for ends the next wait, and no other", async () => {
    const wakeup = new Wakeup();
    wakeup.wake();
    await wakeup.wait();
    let isWoken = false;
    const second = wakeup.wait().then(() => (isWoken = true));
    await turns();
    assert.equal(isWoken, false);
    wakeup.wake();
    await second;
  });
});
