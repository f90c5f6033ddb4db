import { after, before } from "node:test";
import { describeBucket } from "../../src/testing/index.js";
import { natsHarness } from "../support/nats-harness.js";
import { serverVersions, startNatsServer, type NatsServer } from "../support/nats-server.js";

const servers = new Map<string, NatsServer>();

before(async () => {
  for (const version of serverVersions) servers.set(version, await startNatsServer({ version }));
});

after(async () => {
  for (const server of servers.values()) await server[Symbol.asyncDispose]();
});

describeBucket(
  "nats-server 2.10.27",
  natsHarness(() => servers.get("2.10.27")!),
);
describeBucket(
  "nats-server 2.15.1",
  natsHarness(() => servers.get("2.15.1")!),
);
