import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { describe, test } from "node:test";
import { allKeys } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { Flow } from "../../src/testing/bucket/flow.js";
import { collect } from "../../src/testing/bucket/support.js";
import { bytes } from "../support/bucket.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";

/** Publishes as no client does. */
async function publishRaw(
  port: number,
  subject: string,
  headers: string,
  value: string,
): Promise<void> {
  const socket = connectSocket(port, "127.0.0.1");
  let heard = "";
  socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
  await once(socket, "connect");
  const size = Buffer.byteLength(headers);
  socket.write('CONNECT {"verbose":false,"headers":true}\r\n');
  socket.write(
    `HPUB ${subject} ${size} ${size + Buffer.byteLength(value)}\r\n${headers}${value}\r\nPING\r\n`,
  );
  await until("the server has it", () => heard.includes("PONG"));
  socket.destroy();
}

for (const version of serverVersions) {
  describe(`headers that the client refuses, on ${version}`, () => {
    test("are read by a watch, a listing and a reader alike, and break no connection", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      await bucket.put("gone", bytes("1"));
      const odd = "NATS/1.0\r\nA Name: x\r\nñ: y\r\nZ: a\rb\r\n";
      await publishRaw(server.port, "$KV.b.there", `${odd}\r\n`, "value");
      await publishRaw(server.port, "$KV.b.gone", `${odd}KV-Operation: DEL\r\n\r\n`, "");
      await using flow = await Flow.open(bucket, allKeys, {});
      await flow.untilCaughtUp();
      assert.deepEqual([...flow.copy.keys()], ["there"]);
      assert.equal(flow.batches.at(-1)?.rebuilds, undefined, "it was broken and mended");
      await publishRaw(server.port, "$KV.b.late.ü", `${odd}\r\n`, "value");
      await flow.until("what comes later", () => flow.copy.has("late.ü"));
      const listed = await collect(bucket.records(allKeys));
      assert.deepEqual(listed.map(({ key, kind }) => `${key} ${kind}`).toSorted(), [
        "gone delete",
        "late.ü put",
        "there put",
      ]);
      assert.equal((await bucket.entry("gone"))?.kind, "delete");
      assert.equal(Buffer.from((await bucket.get("there"))?.value ?? []).toString(), "value");
    });
  });
}
