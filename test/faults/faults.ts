import { until } from "../support/until.js";
import type { ServerVersion } from "../support/nats-server.js";
import { KEYS } from "./load.js";
import { BUCKET, type Scene, STREAM, type StreamSettings } from "./scene.js";
import { usersConfig } from "./site.js";

/** Something that goes wrong with the bucket, its server or the way there. */
export interface Fault {
  readonly name: string;
  /** Default: all. */
  readonly versions?: readonly ServerVersion[];
  /** Whether the bucket is one of a cluster. Default false. */
  readonly cluster?: boolean;
  readonly stream?: StreamSettings;
  /** Once the bucket is full, before the replica is started. */
  readonly prepare?: (scene: Scene) => Promise<void>;
  readonly inflict: (scene: Scene) => Promise<void> | void;
  /** Least time that it lasts, in milliseconds; it lasts until it is noticed, too, where it has to be. Default 0. */
  readonly lastsMs?: number;
  readonly heal?: (scene: Scene) => Promise<void> | void;
  /** Whether the bucket can be written to while it lasts. Default true. */
  readonly writable?: boolean;
  /** Whether the replica has to say that something is wrong: its state leaves `live`, or it tells of a failure. */
  readonly noticed: boolean;
  /** For how long after a change a copy may claim to be current and lack it, in milliseconds. Default 1000. */
  readonly blindMs?: number;
  /** Consumers that a dead process leaves to the server to remove. Default 0. */
  readonly leavesBehind?: number;
}

/** The source looks at the stream every few seconds. */
const NO_CONSUMER = "(10014)";
const LOOK_MS = 6_000;
/** Records are counted every two seconds here. */
const COUNT_MS = 6_000;
/** The server removes what has expired a little late. */
const EXPIRY_MS = 4_000;

const COLD = KEYS.filter((key) => Number(key.split(".")[2]) >= 70);
/** Of each prefix some, and never written by the load. */
const SOME = COLD.filter((key) => Number(key.split(".")[2]) < 80);

function removeSome(scene: Scene): Promise<void> {
  for (const key of SOME) scene.load.remove(key, "DEL");
  return scene.load.settle();
}

async function expireSome(scene: Scene): Promise<void> {
  for (const key of SOME) scene.load.put(key, "for a second", "1s");
  await scene.load.settle();
  scene.changed(1_000);
}

async function recreate(scene: Scene, content: string): Promise<void> {
  await scene.deleteBucket();
  await scene.createBucket();
  await scene.load.seed(content);
}

async function restartServer(scene: Scene): Promise<void> {
  await scene.server.restart();
  await scene.reachable();
}

async function rollBack(scene: Scene): Promise<void> {
  await scene.server.stop();
  await scene.site.restore();
  scene.changed();
}

async function keepBackup(scene: Scene): Promise<void> {
  await scene.server.stop();
  await scene.site.backup();
  await restartServer(scene);
  await scene.load.burst(500);
}

const cut = (scene: Scene): void => scene.line.set("cut");
const mend = (scene: Scene): void => scene.line.heal();
const away = { heal: mend, lastsMs: 500, noticed: true } as const;
const ttl: StreamSettings = { allow_msg_ttl: true, subject_delete_marker_ttl: 60e9 };

export const lineFaults: readonly Fault[] = [
  { name: "cut", inflict: cut, lastsMs: 1_000, heal: mend, noticed: true },
  { ...away, name: "half-open", inflict: ({ line }) => line.set("swallow") },
  { ...away, name: "frozen", inflict: ({ line }) => line.set("hold") },
  { ...away, name: "one-way", inflict: ({ line }) => line.set("hold-to-client") },
  {
    ...away,
    name: "slow-line",
    inflict: ({ line }) => line.delay(300),
    lastsMs: 3_000,
    noticed: false,
  },
];

export const serverFaults: readonly Fault[] = [
  {
    name: "restart",
    inflict: ({ server }) => server.stop(),
    heal: restartServer,
    writable: false,
    noticed: true,
  },
  {
    name: "kill",
    inflict: ({ server }) => server.kill(),
    lastsMs: 3_000,
    heal: restartServer,
    writable: false,
    noticed: true,
  },
  {
    name: "stopped",
    inflict({ server }) {
      process.kill(server.pid, "SIGSTOP");
    },
    lastsMs: 3_000,
    async heal(scene) {
      process.kill(scene.server.pid, "SIGCONT");
      await scene.reachable();
    },
    writable: false,
    noticed: true,
  },
  {
    name: "consumer-deleted",
    async inflict(scene) {
      for (const name of await scene.consumers()) {
        await scene.api(`CONSUMER.DELETE.${STREAM}.${name}`).catch((error: unknown) => {
          // That of a listing, which has come to its end meanwhile.
          if (!String(error).includes(NO_CONSUMER)) throw error;
        });
      }
    },
    lastsMs: 100,
    noticed: false,
  },
  {
    name: "permissions",
    inflict: ({ server }) =>
      server.reconfigure(usersConfig(`, permissions { publish { deny: "$JS.API.CONSUMER.>" } }`)),
    lastsMs: 1_000,
    heal: ({ server }) => server.reconfigure(usersConfig()),
    noticed: true,
  },
  {
    name: "rollback",
    prepare: keepBackup,
    inflict: rollBack,
    heal: restartServer,
    writable: false,
    noticed: true,
  },
  {
    ...away,
    name: "rollback-outgrown",
    prepare: keepBackup,
    async inflict(scene) {
      cut(scene);
      await rollBack(scene);
      await restartServer(scene);
      await scene.load.burst(1_000);
    },
  },
];

export const bucketFaults: readonly Fault[] = [
  {
    name: "recreated-same",
    inflict: (scene) => recreate(scene, "value"),
    lastsMs: 100,
    noticed: true,
    blindMs: LOOK_MS,
  },
  {
    name: "recreated-other",
    inflict: (scene) => recreate(scene, "other"),
    lastsMs: 100,
    noticed: true,
    blindMs: LOOK_MS,
  },
  {
    ...away,
    name: "recreated-away",
    async inflict(scene) {
      cut(scene);
      await recreate(scene, "other");
      await scene.load.burst(3_000);
    },
  },
  {
    name: "bucket-gone",
    inflict: (scene) => scene.deleteBucket(),
    lastsMs: 1_000,
    async heal(scene) {
      await scene.createBucket();
      await scene.load.seed("other");
    },
    writable: false,
    noticed: true,
    blindMs: LOOK_MS,
  },
  { name: "purge-all", inflict: (scene) => scene.purge(), noticed: false, blindMs: LOOK_MS },
  {
    ...away,
    name: "purge-all-away",
    async inflict(scene) {
      cut(scene);
      await scene.purge();
    },
  },
  {
    name: "purge-filter",
    inflict: (scene) => scene.purge({ filter: `$KV.${BUCKET}.a.0.>` }),
    noticed: false,
    blindMs: COUNT_MS,
  },
  {
    ...away,
    name: "purge-filter-away",
    async inflict(scene) {
      cut(scene);
      await scene.purge({ filter: `$KV.${BUCKET}.a.0.>` });
    },
  },
  {
    ...away,
    name: "tombstones-away",
    async inflict(scene) {
      cut(scene);
      await removeSome(scene);
      for (const key of SOME) await scene.purge({ filter: `$KV.${BUCKET}.${key}` });
    },
  },
  {
    name: "message-deleted",
    async inflict(scene) {
      for (const key of SOME.slice(0, 40)) {
        const subject = { last_by_subj: `$KV.${BUCKET}.${key}` };
        const { message } = await scene.api<{ message: { seq: number } }>(
          `STREAM.MSG.GET.${STREAM}`,
          subject,
        );
        await scene.api(`STREAM.MSG.DELETE.${STREAM}`, { seq: message.seq, no_erase: true });
        scene.changed();
      }
    },
    noticed: false,
    blindMs: COUNT_MS,
  },
  {
    name: "max-age",
    stream: { max_age: 5e9, duplicate_window: 2e9 },
    inflict: (scene) => scene.changed(5_000),
    lastsMs: 5_500,
    noticed: false,
    // Under load what was written last goes that much later.
    blindMs: 5_000 + EXPIRY_MS,
  },
  {
    name: "ttl",
    versions: ["2.15.1"],
    stream: ttl,
    inflict: expireSome,
    lastsMs: 2_500,
    noticed: false,
    blindMs: EXPIRY_MS,
  },
  {
    ...away,
    name: "ttl-away",
    versions: ["2.15.1"],
    stream: { ...ttl, subject_delete_marker_ttl: 1e9 },
    async inflict(scene) {
      await expireSome(scene);
      cut(scene);
    },
    lastsMs: 4_500,
    blindMs: EXPIRY_MS,
  },
];

export const replicaFaults: readonly Fault[] = [
  {
    name: "overrun",
    stream: { discard: "old", max_bytes: 300_000 },
    async inflict(scene) {
      scene.replica.signal("SIGSTOP");
      await scene.load.burst(6_000);
    },
    lastsMs: 500,
    heal: ({ replica }) => replica.signal("SIGCONT"),
    noticed: false,
    blindMs: LOOK_MS,
  },
  {
    ...away,
    name: "replica-killed",
    async inflict(scene) {
      cut(scene);
      await scene.replica.kill();
      scene.replica.restart();
      await until(
        "it says something",
        () => scene.replica.trouble(scene.lastChangeAt) !== undefined,
      );
    },
    // Its watch's, and that of a count which was under way.
    leavesBehind: 2,
  },
];

export const faults: readonly Fault[] = [
  ...lineFaults,
  ...serverFaults,
  ...bucketFaults,
  ...replicaFaults,
];
