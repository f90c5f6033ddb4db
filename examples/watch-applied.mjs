// watchApplied for a service that keeps its own state: the cursor it reports is never ahead of what it applied.
import assert from "node:assert/strict";
import { watchApplied } from "millpond";
import { openInProcess } from "millpond/testing";

const connection = await openInProcess();
const bucket = await connection.createBucket("flags");
for (const name of ["dark-mode", "beta", "new-checkout"]) await bucket.put(name, Buffer.from("on"));
await bucket.put("beta", Buffer.from("off"));

const flags = new Map();
const stop = new AbortController();
const last = await watchApplied({
  source: bucket,
  parse: (update) => ({
    name: update.key,
    on: update.kind === "put" && Buffer.from(update.value).toString() === "on",
  }),
  async apply(batch) {
    for (const { name, on } of batch) flags.set(name, on);
  },
  onApplied(cursor) {
    console.log(`applied up to revision ${cursor.toU64()}:`, Object.fromEntries(flags));
    if (cursor.toU64() === 4n) stop.abort(); // a service stops on SIGTERM instead
  },
  signal: stop.signal,
});
assert.equal(last.toU64(), 4n); // keep it, and pass it as `resume` next time
assert.deepEqual(
  [...flags],
  [
    ["dark-mode", true],
    ["new-checkout", true],
    ["beta", false],
  ],
);
await connection.close();
