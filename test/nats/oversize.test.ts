import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allKeys } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { Flow } from "../../src/testing/bucket/flow.js";
import { collect } from "../../src/testing/bucket/support.js";
import { bytes } from "../support/bucket.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";

const MIB = 1024 * 1024;

describe("a record that is larger than a pull", () => {
  for (const version of serverVersions) {
    test(`comes first of all to a watch and a listing, and the rest after it, on ${version}`, async () => {
      await using directory = await tempDirectory();
      const storeDir = directory.file("store");
      const generous = await startNatsServer({
        version,
        storeDir,
        config: `max_payload: ${32 * MIB}`,
      });
      const writer = await connect({ servers: generous.url });
      const full = await writer.createBucket("b", { maxBytes: 256 * MIB });
      await full.put("large", new Uint8Array(20 * MIB).fill(7));
      for (let index = 0; index < 20; index += 1) await full.put(`k${index}`, bytes("1"));
      await writer.close();
      await generous.stop();
      // A server that takes smaller ones now, and so is asked for less at a time than it stored before.
      await using server = await startNatsServer({ version, storeDir });
      await using connection = await connect({ servers: server.url });
      const bucket = connection.bucket("b");
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      assert.equal(flow.updates[0]?.key, "large");
      assert.equal(flow.copy.size, 21);
      assert.equal((await collect(bucket.scan())).length, 21);
      assert.equal((await collect(bucket.records(allKeys))).length, 21);
      await generous[Symbol.asyncDispose]();
    });
  }
});
