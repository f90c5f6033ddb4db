import { cp, rm } from "node:fs/promises";
import type { NatsServer } from "./nats-server.js";

/**
 * Stops the server, keeps a copy of its JetStream folder (the `storeDir` that it was started with) at `copy`, and starts it
 * again.
 */
export async function backUp(server: NatsServer, storeDir: string, copy: string): Promise<void> {
  await server.stop();
  await cp(storeDir, copy, { recursive: true });
  await server.restart();
}

/**
 * Puts the copy back in place while the server is stopped, as an operator does after a disaster: its streams keep their
 * `created`, and give the sequences that came after the copy a second time.
 */
export async function rollBack(server: NatsServer, storeDir: string, copy: string): Promise<void> {
  await server.kill();
  await rm(storeDir, { recursive: true, force: true });
  await cp(copy, storeDir, { recursive: true });
  await server.restart();
}
