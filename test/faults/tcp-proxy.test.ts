import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { listen } from "../support/tcp-listener.js";
import { until } from "../support/until.js";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.js";

interface Line extends AsyncDisposable {
  readonly proxy: TcpProxy;
  readonly client: Socket;
  /** What came back of what was sent: the server repeats all it hears. */
  readonly heard: () => string;
}

async function dial(proxy: TcpProxy): Promise<Pick<Line, "client" | "heard">> {
  const client = connect(proxy.port, "127.0.0.1").on("error", () => {});
  let heard = "";
  client.on("data", (data: Buffer) => (heard += data.toString()));
  await once(client, "connect");
  return { client, heard: () => heard };
}

async function startLine(): Promise<Line> {
  const server = await listen((socket) => socket.on("data", (data) => socket.write(data)));
  const proxy = await startTcpProxy(Number(server.address.split(":")[1]));
  const line = await dial(proxy);
  line.client.write("a");
  await until("the line is up", () => line.heard() === "a");
  return {
    proxy,
    ...line,
    async [Symbol.asyncDispose]() {
      line.client.destroy();
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("a line that fails", () => {
  test("is closed by a cut, and cannot be had again until it is healed", async () => {
    await using line = await startLine();
    const closed = once(line.client, "close");
    line.proxy.set("cut");
    await closed;
    const refused = await dial(line.proxy);
    await once(refused.client, "close");
    line.proxy.heal();
    const again = await dial(line.proxy);
    again.client.write("b");
    await until("it is up again", () => again.heard() === "b");
    again.client.destroy();
  });

  test("loses what is sent while it swallows, and from then on all of that connection", async () => {
    await using line = await startLine();
    line.proxy.set("swallow");
    line.client.write("b");
    const other = await dial(line.proxy);
    await until("both are open", () => line.proxy.open === 2);
    line.proxy.heal();
    line.client.write("c");
    // Nothing was lost of this one.
    other.client.write("d");
    await until("the other is whole", () => other.heard() === "d");
    assert.equal(line.heard(), "a");
    assert.equal(line.client.closed, false);
    other.client.destroy();
  });

  test("brings what was sent while it held once it is healed", async () => {
    await using line = await startLine();
    line.proxy.set("hold");
    line.client.write("b");
    const other = await dial(line.proxy);
    line.proxy.heal();
    other.client.destroy();
    await until("it arrives", () => line.heard() === "ab");
  });

  test("takes its time each way, and keeps the order when it is healed meanwhile", async () => {
    await using line = await startLine();
    line.proxy.delay(40);
    const began = performance.now();
    line.client.write("b");
    await until("it arrives", () => line.heard() === "ab");
    assert.ok(performance.now() - began >= 79);
    line.client.write("c");
    await until("it is on its way", () => line.client.bytesWritten === 3);
    line.proxy.heal();
    line.client.write("d");
    await until("both arrive", () => line.heard() === "abcd");
  });
});
