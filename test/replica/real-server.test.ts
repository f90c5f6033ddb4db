import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect as connectClient } from "@nats-io/transport-node";
import { connect } from "../../src/nats/index.js";
import { openReplica } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { callApi, operatorOf } from "../support/nats-harness.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const retry = { minMs: 10, maxMs: 100 };

for (const version of serverVersions) {
  describe(`a replica of a bucket on nats-server ${version}`, () => {
    test("says what this server cannot promise it, and only then", async () => {
      await using server = await startNatsServer({ version });
      await using directory = await tempDirectory();
      await using connection = await connect({ servers: server.url });
      const source = await connection.createBucket("b");
      const path = directory.file("copy");
      await using replica = await openReplica({ source, path, retry, scope: ["a.", "b."] });
      await replica.ready();
      const isOld = version.startsWith("2.10.");
      assert.equal(replica.status().warning?.includes("upgrade it to 2.11") ?? false, isOld);
    });

    test("is live again after the server was killed, and after its own restart resumes", async () => {
      await using server = await startNatsServer({ version });
      await using directory = await tempDirectory();
      const path = directory.file("copy");
      await using connection = await connect({ servers: server.url });
      const source = await connection.createBucket("b");
      for (let key = 0; key < 50; key += 1) await source.put(`k.${key}`, bytes(`${key}`));
      {
        const states: string[] = [];
        await using replica = await openReplica({
          source,
          path,
          retry,
          onEvent: (event) => event.type === "state" && states.push(event.state),
        });
        await replica.ready();
        await assertMirrors(replica, source);
        await server.kill();
        await until("it tells that it is stale", () => states.at(-1) === "stale");
        assert.equal(replica.status().state, "stale");
        assert.deepEqual(replica.get("k.7"), bytes("7"));
        await server.restart();
        await until("it is live again", () => replica.status().state === "live", 30_000);
        const written = await source.put("k.7", bytes("later"));
        await until("it follows", () => replica.entry("k.7")?.version.equals(written));
      }
      await source.delete("k.8");
      await using replica = await openReplica({ source, path, retry });
      await replica.ready();
      await assertMirrors(replica, source);
      const { resumed, missed } = replica.status();
      assert.deepEqual([resumed, missed], [true, 1]);
    });

    test("is repaired when history was evicted past its cursor, and when the bucket is made again", async () => {
      await using server = await startNatsServer({ version });
      await using directory = await tempDirectory();
      const path = directory.file("copy");
      await using connection = await connect({ servers: server.url });
      const client = await connectClient({ servers: server.url.replace("nats://", "") });
      await using _ = { [Symbol.asyncDispose]: () => client.close() };
      const operator = operatorOf(client);
      const first = await connection.createBucket("b");
      for (const key of ["a", "b", "c"]) await first.put(key, bytes("1"));
      {
        await using replica = await openReplica({ source: first, path, retry });
        await replica.ready();
      }
      await first.delete("a");
      for (const key of ["b", "c", "c"]) await first.put(key, bytes("2"));
      await operator.evictBefore("b", (await first.info()).lastSequence);
      await using replica = await openReplica({ source: first, path, retry });
      await replica.ready();
      await assertMirrors(replica, first);
      assert.equal(replica.get("a"), undefined);
      await operator.deleteBucket("b");
      const source = await connection.createBucket("b");
      await source.put("first", bytes("0"));
      for (let count = 0; count < 9; count += 1) await source.put("new", bytes(`${count}`));
      const isRepaired = (): boolean => {
        const { counters, state } = replica.status();
        return counters.repairs === 2 && state === "live";
      };
      await until("it is repaired", isRepaired, 30_000);
      await assertMirrors(replica, source);
    });

    for (const [what, purge] of [
      ["all of it was purged", {}],
      ["all but one key was purged", { keep: 1 }],
    ] as const) {
      test(`is repaired when ${what} while the replica was stopped`, async () => {
        await using server = await startNatsServer({ version });
        await using directory = await tempDirectory();
        const path = directory.file("copy");
        await using connection = await connect({ servers: server.url });
        const client = await connectClient({ servers: server.url.replace("nats://", "") });
        await using _ = { [Symbol.asyncDispose]: () => client.close() };
        const source = await connection.createBucket("b");
        for (const key of ["a", "b", "c"]) await source.put(key, bytes("1"));
        {
          await using replica = await openReplica({ source, path, retry });
          await replica.ready();
        }
        await callApi(client, "STREAM.PURGE.KV_b", purge);
        await using replica = await openReplica({ source, path, retry });
        await replica.ready();
        await assertMirrors(replica, source);
        assert.equal(replica.status().counters.repairs, 1);
      });
    }
  });
}
