// A durable local copy of a bucket: open, read, close; opened again it goes on where it was.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReplica } from "millpond";
import { openInProcess } from "millpond/testing";

const folder = await mkdtemp(join(tmpdir(), "millpond-example-"));
// A real service connects to a server instead: see nats.mjs.
const connection = await openInProcess();
const bucket = await connection.createBucket("routes");
await bucket.put("edge.eu-1.web", Buffer.from("10.0.0.1:443"));
await bucket.put("core.billing", Buffer.from("10.1.0.7:8080"));

const path = join(folder, "routes");
const first = await openReplica({ source: bucket, path });
await first.ready();
console.log("first start:", first.size, "keys");
await first.close();

// While the service is down, the bucket goes on.
await bucket.put("edge.us-1.web", Buffer.from("10.2.0.1:443"));
await bucket.delete("core.billing");

const second = await openReplica({ source: bucket, path });
await second.ready({ maxStalenessMs: 60_000 }); // at once: the copy was level with the bucket a moment ago
await second.ready(); // and now it has caught up
const { resumed, received } = second.status();
console.log(`second start: resumed ${resumed}, ${received} updates fetched`);
for (const { key, value, revision } of second.entries("edge.")) {
  console.log(`  ${key} = ${Buffer.from(value)} at revision ${revision}`);
}
assert.equal(resumed, true);
assert.equal(received, 2);
assert.equal(second.get("core.billing"), undefined);

// Changes come with what was there before; `waitFor` is for reading one's own writes.
const changes = second.changes({ prefix: "edge." });
await second.waitFor(await bucket.put("edge.eu-1.web", Buffer.from("10.0.0.2:443")));
for await (const batch of changes) {
  const [{ key, entry, previous, reason }] = batch;
  console.log(`${reason} ${key}: ${Buffer.from(previous.value)} → ${Buffer.from(entry.value)}`);
  break;
}

const { records, missing, stale, extra } = await second.audit();
console.log(`compared with ${records} records of the bucket:`, { missing, stale, extra });
const { state, asOf, lag, counters } = second.status();
console.log({ state, asOf: new Date(asOf).toISOString(), lag, resumes: counters.resumes });

await second.close();
await connection.close();
await rm(folder, { recursive: true });
