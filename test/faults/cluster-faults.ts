import { until } from "../support/until.js";
import type { NatsServer } from "../support/nats-server.js";
import { nameOfNode } from "./cluster.js";
import type { Fault } from "./faults.js";
import { STREAM, type Scene } from "./scene.js";
import type { LineMode } from "./tcp-proxy.js";

interface ClusterInfo {
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly name: string; readonly current: boolean }[];
  };
}

/** An election, and what the servers wait before they hold one. */
const ELECTION_MS = 30_000;

const common = { cluster: true, stream: { num_replicas: 3 }, noticed: false } as const;

async function leaderOf(scene: Scene): Promise<number> {
  const { cluster } = await scene.api<ClusterInfo>(`STREAM.INFO.${STREAM}`);
  return scene.site.servers.findIndex((_, node) => nameOfNode(node) === cluster?.leader);
}

/** A leader that is not the server which the operator talks to, who goes on writing. */
async function leaderBehind(scene: Scene): Promise<number> {
  return await until(
    "another server leads",
    async () => {
      await scene.reachable();
      const leader = await leaderOf(scene);
      if (leader !== -1 && nameOfNode(leader) !== scene.client.info?.server_name) return leader;
      await scene.api(`STREAM.LEADER.STEPDOWN.${STREAM}`);
      return undefined;
    },
    ELECTION_MS,
  );
}

function serverOf(scene: Scene, node: number): NatsServer {
  const server = scene.site.servers[node];
  if (server === undefined) throw new Error("the bucket has no leader");
  return server;
}

/** All three have all there is. */
async function whole(scene: Scene): Promise<void> {
  await until(
    "all of the cluster is level",
    async () => {
      await scene.reachable();
      const { cluster } = await scene.api<ClusterInfo>(`STREAM.INFO.${STREAM}`);
      const replicas = cluster?.replicas ?? [];
      return replicas.length === 2 && replicas.every(({ current }) => current);
    },
    ELECTION_MS,
  );
}

function setRoutes(scene: Scene, node: number, mode: LineMode): void {
  for (const [from, lines] of scene.site.routes.entries()) {
    for (const [to, line] of lines.entries()) if (from === node || to === node) line?.set(mode);
  }
}

async function reviveAll(scene: Scene): Promise<void> {
  for (const server of scene.site.servers) if (!server.isRunning) await server.restart();
  await scene.reachable();
}

function kill(which: "leader" | "follower"): Fault {
  return {
    ...common,
    name: `cluster-kill-${which}`,
    prepare: whole,
    async inflict(scene) {
      const leader = await leaderOf(scene);
      await serverOf(scene, which === "leader" ? leader : (leader + 1) % 3).kill();
    },
    lastsMs: 4_000,
    heal: reviveAll,
  };
}

export const clusterFaults: readonly Fault[] = [
  kill("leader"),
  kill("follower"),
  {
    ...common,
    name: "cluster-partition",
    prepare: whole,
    async inflict(scene) {
      setRoutes(scene, await leaderBehind(scene), "hold");
    },
    lastsMs: 8_000,
    async heal(scene) {
      for (const lines of scene.site.routes) for (const line of lines) line?.heal();
      await scene.reachable();
    },
  },
  {
    ...common,
    name: "cluster-step-down",
    prepare: whole,
    inflict: (scene) => scene.api(`STREAM.LEADER.STEPDOWN.${STREAM}`),
    lastsMs: 1_000,
    heal: (scene) => scene.reachable(),
  },
  {
    ...common,
    name: "cluster-rolling",
    prepare: whole,
    async inflict(scene) {
      for (const server of scene.site.servers) {
        await server.restart();
        await scene.reachable();
        await whole(scene);
      }
    },
  },
];
