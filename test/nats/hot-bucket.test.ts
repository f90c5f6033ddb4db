import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allKeys, type KvStore } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { openReplica } from "../../src/replica/index.js";
import { Flow, within } from "../../src/testing/bucket/flow.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

/** Writes that are under way at a time, so that the key is written again before a watch can read it. */
const IN_FLIGHT = 16;
const WATCHES = 5;

/** Writes one key again and again; the function returned ends that. */
function keepWriting(bucket: KvStore): () => Promise<void> {
  const stop = new AbortController();
  const write = async (): Promise<void> => {
    for (let count = 0; !stop.signal.aborted; count += 1)
      await bucket.put("k", bytes(String(count)));
  };
  const writing = Promise.all(Array.from({ length: IN_FLIGHT }, write));
  return async () => {
    stop.abort();
    await writing;
  };
}

for (const version of serverVersions) {
  describe(`a bucket of one key that is written again all the time, on ${version}`, () => {
    test("is caught up with by every watch", async () => {
      await using server = await startNatsServer({ version });
      await using writer = await connect({ servers: server.url });
      await using connection = await connect({ servers: server.url });
      const stop = keepWriting(await writer.createBucket("b"));
      try {
        await until(
          "the key is there",
          async () => (await writer.bucket("b").get("k")) !== undefined,
        );
        for (let count = 0; count < WATCHES; count += 1) {
          await using flow = await Flow.open(connection.bucket("b"), allKeys);
          await flow.untilCaughtUp();
          assert.ok(flow.copy.has("k"));
        }
      } finally {
        await stop();
      }
    });

    test("is copied, and right once it comes to rest", async () => {
      await using directory = await tempDirectory();
      await using server = await startNatsServer({ version });
      await using writer = await connect({ servers: server.url });
      await using connection = await connect({ servers: server.url });
      const bucket = await writer.createBucket("b");
      const stop = keepWriting(bucket);
      await using replica = await openReplica({
        source: connection.bucket("b"),
        path: directory.path,
      });
      try {
        await within("ready", replica.ready());
      } finally {
        await stop();
      }
      const last = await bucket.entry("k");
      await until("the last value", () => replica.entry("k")?.revision === last?.version.toU64());
      await assertMirrors(replica, bucket);
    });
  });
}
