import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect } from "../../src/nats/index.js";
import { openReplica } from "../../src/replica/index.js";
import { startTcpProxy } from "../faults/tcp-proxy.js";
import { bytes } from "../support/bucket.js";
import { shown, shownBucket } from "../support/copies.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { backUp, rollBack } from "../support/roll-back.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

for (const version of serverVersions) {
  describe(`a replica of a bucket that was put back from a copy, on ${version}`, () => {
    // The shortest history of the kind that exploring them (test/explore) found.
    test("is repaired also where its last record has gone and the numbers agree", async () => {
      await using directory = await tempDirectory();
      const [storeDir, copy] = [directory.file("store"), directory.file("copy")];
      await using server = await startNatsServer({ version, storeDir });
      await using writer = await connect({ servers: server.url });
      await (await writer.createBucket("b")).put("a", bytes("old"));
      await backUp(server, storeDir, copy);
      await using early = await connect({ servers: server.url });
      await early.bucket("b").put("a", bytes("lost"));
      await using proxy = await startTcpProxy(server.port);
      await using connection = await connect({ servers: `127.0.0.1:${proxy.port}` });
      const counts: boolean[] = [];
      await using replica = await openReplica({
        source: connection.bucket("b"),
        path: directory.file("replica"),
        retry: { minMs: 10, maxMs: 100 },
        onEvent: (event) => event.type === "counted" && counts.push(event.ok),
      });
      await replica.ready();
      await until("it was counted", () => counts.length > 0);
      proxy.set("cut");
      await until("the line is down", () => !connection.connected);
      await rollBack(server, storeDir, copy);
      await using late = await connect({ servers: server.url });
      const bucket = late.bucket("b");
      for (const value of ["1", "2"]) await bucket.put("x", bytes(value));
      proxy.heal();
      const now = await shownBucket(bucket);
      assert.deepEqual(now, ["a=old@1", "x=2@3"]);
      await until("it is the bucket", () => shown(replica.entries()).join() === now.join());
      assert.equal(replica.status().state, "live");
    });
  });
}
