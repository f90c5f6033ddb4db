import { createRequire } from "node:module";
import { join, resolve } from "node:path";

/** Where the packages of bench/peers/package.json are installed; MILLPOND_BENCH_PEERS names another folder. */
export const PEERS_DIRECTORY = resolve(
  process.env["MILLPOND_BENCH_PEERS"] ?? join(".cache", "bench-peers"),
);

/** The package, from the peers' own folder; throws where it is not there or does not load on this machine. */
export function requirePeer(name: string): unknown {
  const require = createRequire(join(PEERS_DIRECTORY, "package.json"));
  return require(name) as unknown;
}
