// Follows the log at the path on the command line and looks at every state that it comes to see, until the key "end" is there:
// all of one batch, at the cursor of that batch, and never an earlier one than before. Prints what it saw.
import assert from "node:assert/strict";
import { openFollower } from "../../src/replica/index.js";
import { digestOf, groupKeys } from "./counted.js";

const [path = "", pollMs = "25"] = process.argv.slice(2);
const latencies: number[] = [];
let checks = 0;
let last = 0;
await using follower = await openFollower({
  path,
  pollMs: Number(pollMs),
  onEvent({ type }) {
    assert.notEqual(type, "went-back");
    if (type === "changed") measure();
  },
});
await follower.ready();
while (follower.get("end") === undefined) {
  check();
  await new Promise<void>((resolve) => {
    setTimeout(resolve, 1);
  });
}
check();
const { loads, jumps, wentBack } = follower.status();
latencies.sort((a, b) => a - b);
const report = {
  counter: last,
  digest: digestOf(follower.entries()),
  checks,
  loads,
  jumps,
  wentBack,
  medianMs: latencies[latencies.length >> 1] ?? 0,
  p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
};
process.stdout.write(`${JSON.stringify(report)}\n`);

/** Between turns of the event loop: what is seen here is what any reader could see. */
function check(): void {
  const values = groupKeys.map((key) => Number(text(key)));
  const cursor = Number(follower.status().cursor.toU64() ?? 0n);
  assert.deepEqual(
    values,
    groupKeys.map(() => cursor),
    `torn: ${values.join()} at cursor ${cursor}`,
  );
  assert.ok(cursor >= last, `backward: ${cursor} after ${last}`);
  last = cursor;
  checks += 1;
}

function measure(): void {
  check();
  latencies.push(Number(process.hrtime.bigint() - BigInt(text("sent"))) / 1e6);
}

function text(key: string): string {
  return Buffer.from(follower.get(key) ?? []).toString() || "0";
}
