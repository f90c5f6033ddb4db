import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { startNatsServer, type ServerVersion } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { Releases, usersConfig, type Site } from "./site.js";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.js";

const NODES = [0, 1, 2] as const;

/** Three servers of one cluster: a line from each to each, and one from the replica to each. */
export async function threeServers(version: ServerVersion): Promise<Site> {
  const release = new Releases();
  try {
    const directory = release.add(await tempDirectory());
    const ports = await freePorts(NODES.length);
    const routes: (TcpProxy | undefined)[][] = [];
    for (const from of NODES) {
      const lines: (TcpProxy | undefined)[] = [];
      for (const [to, port] of ports.entries()) {
        lines.push(from === to ? undefined : release.add(await startTcpProxy(port)));
      }
      routes.push(lines);
    }
    const servers = await Promise.all(
      NODES.map(async (node) =>
        release.add(
          await startNatsServer({
            version,
            storeDir: directory.file(`jetstream-${node}`),
            config: configOf(node, ports[node] ?? 0, routes[node] ?? []),
          }),
        ),
      ),
    );
    const lines: TcpProxy[] = [];
    for (const { port } of servers) lines.push(release.add(await startTcpProxy(port)));
    return {
      servers,
      lines,
      routes,
      file: (name) => directory.file(name),
      backup: notHere,
      restore: notHere,
      [Symbol.asyncDispose]: () => release[Symbol.asyncDispose](),
    };
  } catch (error) {
    await release[Symbol.asyncDispose]();
    throw error;
  }
}

/** The name that the cluster knows a server by. */
export function nameOfNode(node: number): string {
  return `n${node}`;
}

/** Servers tell each other and the clients no addresses, or they would find ways around the lines. */
function configOf(node: number, port: number, routes: readonly (TcpProxy | undefined)[]): string {
  const urls = routes.flatMap((line) =>
    line === undefined ? [] : [`"nats-route://127.0.0.1:${line.port}"`],
  );
  return `server_name: ${nameOfNode(node)}
    cluster { name: millpond, listen: "127.0.0.1:${port}", no_advertise: true, pool_size: -1
      advertise: "127.0.0.1:9", routes: [${urls.join(", ")}] }
    ${usersConfig()}`;
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

function notHere(): Promise<void> {
  return Promise.reject(new Error("only of a single server"));
}
