// The same on a real server: `node examples/nats.mjs nats://localhost:4222`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReplica } from "millpond";
import { connect } from "millpond/nats";

const servers = process.argv[2] ?? "nats://localhost:4222";
const folder = await mkdtemp(join(tmpdir(), "millpond-example-"));
const nats = await connect({ servers });
const bucket = await nats.createBucket("millpond-example");
const revision = await bucket.put("edge.eu-1.web", Buffer.from("10.0.0.1:443"));

const replica = await openReplica({ source: bucket, path: join(folder, "copy"), scope: ["edge."] });
await replica.ready();
console.log(`${Buffer.from(replica.get("edge.eu-1.web"))} at revision ${revision.toU64()}`);
console.log(replica.status());

await replica.close();
await nats.close();
await rm(folder, { recursive: true });
