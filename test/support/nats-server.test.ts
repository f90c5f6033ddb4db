import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as openSocket } from "node:net";
import { describe, test } from "node:test";
import { serverVersions, startNatsServer } from "./nats-server.js";
import { until } from "./until.js";

async function greeting(port: number): Promise<string> {
  const socket = openSocket(port, "127.0.0.1");
  const [data] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return data.toString();
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the launcher of real servers", () => {
  for (const version of serverVersions) {
    test(`starts ${version} with JetStream, and again on the same port`, async () => {
      await using server = await startNatsServer({ version });
      const { port } = server;
      assert.match(await greeting(port), new RegExp(`"version":"${version}".*"jetstream":true`));
      await server.restart();
      assert.equal(server.port, port);
      assert.match(await greeting(port), /^INFO /);
    });
  }

  test("says what the server said when it ends at once", async () => {
    await assert.rejects(
      startNatsServer({ version: "2.10.27", config: "no_such_setting: {" }),
      /ended at once/,
    );
  });

  test("leaves no server behind when the test process is killed", async () => {
    const module = JSON.stringify(new URL("nats-server.js", import.meta.url).href);
    const script = `const { startNatsServer } = await import(${module});
      const server = await startNatsServer({ version: "2.15.1" });
      console.log(server.pid);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [text] = (await once(child.stdout, "data")) as [Buffer];
    const pid = Number(text.toString());
    assert.ok(alive(pid));
    child.kill("SIGKILL");
    await until("the server is gone", () => !alive(pid));
  });
});
