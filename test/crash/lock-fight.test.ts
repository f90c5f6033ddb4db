import assert from "node:assert/strict";
import { test } from "node:test";
import { seedOfRun } from "../support/seed.js";
import { runLockFight } from "./lock-fight.js";

test("processes that fight for one log while they are killed never have it two at a time, and lose nothing", async (context) => {
  const seed = seedOfRun();
  context.diagnostic(`MILLPOND_SEED=${seed}`);
  const report = await runLockFight({ seed, fighters: 3, kills: 15 });
  context.diagnostic(JSON.stringify(report));
  assert.ok(report.acquired > 0);
});
