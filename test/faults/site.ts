import { cp, rm } from "node:fs/promises";
import { startNatsServer, type NatsServer, type ServerVersion } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.js";

/** One server or several, each with a line to it that can fail. */
export interface Site extends AsyncDisposable {
  readonly servers: readonly NatsServer[];
  /** In the order of the servers. */
  readonly lines: readonly TcpProxy[];
  /** Lines between the servers, where there are several: `routes[from][to]`. */
  readonly routes: readonly (readonly (TcpProxy | undefined)[])[];
  /** A place of the site's own, removed with it. */
  file(name: string): string;
  /** Keeps a copy of the first server's files, or puts that in their place; while it is down. */
  backup(): Promise<void>;
  restore(): Promise<void>;
}

export const OPERATOR = { user: "operator", pass: "operator" } as const;
export const REPLICA_LOGIN = "replica:replica";

/** The servers' users; what the replica may do is a block of permissions in the configuration's language. */
export function usersConfig(permissions = ""): string {
  return `authorization { users: [
    { user: ${OPERATOR.user}, password: ${OPERATOR.pass} }
    { user: replica, password: replica ${permissions} } ] }`;
}

export async function singleServer(version: ServerVersion): Promise<Site> {
  const release = new Releases();
  try {
    const directory = release.add(await tempDirectory());
    const store = directory.file("jetstream");
    const backup = directory.file("backup");
    const config = usersConfig();
    const server = release.add(await startNatsServer({ version, storeDir: store, config }));
    const line = release.add(await startTcpProxy(server.port));
    return {
      servers: [server],
      lines: [line],
      routes: [],
      file: (name) => directory.file(name),
      backup: () => cp(store, backup, { recursive: true }),
      async restore() {
        await rm(store, { recursive: true });
        await cp(backup, store, { recursive: true });
      },
      [Symbol.asyncDispose]: () => release[Symbol.asyncDispose](),
    };
  } catch (error) {
    await release[Symbol.asyncDispose]();
    throw error;
  }
}

/** Gives up what was added, the last first. */
export class Releases implements AsyncDisposable {
  readonly #held: AsyncDisposable[] = [];

  add<T extends AsyncDisposable>(held: T): T {
    this.#held.push(held);
    return held;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const held of this.#held.splice(0).toReversed()) await held[Symbol.asyncDispose]();
  }
}
