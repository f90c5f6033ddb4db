import { join } from "node:path";
import { Kvm } from "@nats-io/kv";
import { connect as connectClient } from "@nats-io/transport-node";
import { openReplica } from "../../src/index.js";
import { connect } from "../../src/nats/index.js";
import { watchApplied } from "../../src/watch/index.js";
import { pullAll } from "../hydration/bare-pull.js";
import { BUCKET, serve } from "../hydration/bucket.js";
import type { Figures, Part, Subject, Task } from "../harness/part.js";
import { Stopwatch } from "../harness/stopwatch.js";

const BARE = "bare pull loop, discarding";
const REPLICA = "openReplica, to ready";
const AGAIN = "openReplica again, nothing missed";
const WALL = "wall";
const MEMORY = "resident at most";
/** Of a copy that was there: from when it can be read to when it is level with its bucket. */
const LEVEL = "level after";

/** Calls `reached` when it has all, before it closes anything, and resolves with how many keys that is. */
type Follow = (url: string, reached: () => void) => Promise<number>;

function hydrating(name: string, follow: (task: Task) => Follow): Subject {
  return {
    name,
    needs: ["bucket"],
    measure: (task) => timed(task, "bucket", follow(task)),
  };
}

async function timed(
  task: Task,
  bucket: "bucket" | "large-bucket",
  follow: Follow,
): Promise<Figures> {
  await using server = await serve(task.prepared(bucket));
  const watch = new Stopwatch();
  watch.start();
  const keys = await follow(server.url, () => watch.stop());
  if (keys === 0) throw new Error("the bucket is empty");
  return {
    [WALL]: watch.wallNsPer(keys),
    cpu: watch.cpuNsPer(keys),
    "in all": watch.wallMs,
    [MEMORY]: process.resourceUsage().maxRSS / 1024,
  };
}

async function fillReplica(
  path: string,
  url: string,
  reached: () => void,
  sinceOpen?: Stopwatch,
): Promise<number> {
  await using connection = await connect({ servers: url });
  await using replica = await openReplica({ source: connection.bucket(BUCKET), path });
  sinceOpen?.start();
  await replica.ready();
  sinceOpen?.stop();
  reached();
  return replica.size;
}

async function applyToNothing(url: string, reached: () => void): Promise<number> {
  await using connection = await connect({ servers: url });
  const stop = new AbortController();
  let keys = 0;
  await watchApplied({
    source: connection.bucket(BUCKET),
    parse: (update) => update,
    apply: (batch) => void (keys += batch.length),
    onEvent: ({ type }) => {
      if (type !== "caught-up") return;
      reached();
      stop.abort();
    },
    signal: stop.signal,
  });
  return keys;
}

/** As one would write it by hand. */
async function clientToMap(url: string, reached: () => void): Promise<number> {
  const connection = await connectClient({ servers: url });
  const kv = await new Kvm(connection).open(BUCKET);
  const values = new Map<string, Uint8Array>();
  for await (const entry of await kv.watch()) {
    values.set(entry.key, entry.value);
    if (entry.delta === 0) break;
  }
  reached();
  await connection.close();
  return values.size;
}

async function reopen(task: Task): Promise<Figures> {
  const path = join(task.directory, "copy");
  {
    await using server = await serve(task.prepared("large-bucket"));
    await fillReplica(path, server.url, () => undefined);
  }
  const level = new Stopwatch();
  const figures = await timed(task, "large-bucket", (url, reached) =>
    fillReplica(path, url, reached, level),
  );
  return { ...figures, [LEVEL]: level.wallMs };
}

export const hydration: Part = {
  name: "hydration",
  about: `A copy of a bucket of half as many keys on a real server, from nothing; and one of all keys opened again.`,
  metrics: [
    { name: WALL, unit: "ns a key" },
    { name: "cpu", unit: "ns a key" },
    { name: "in all", unit: "ms" },
    { name: LEVEL, unit: "ms" },
    { name: MEMORY, unit: "MiB" },
  ],
  subjects: [
    hydrating(BARE, () => (url, reached) => pullAll(url, BUCKET, reached)),
    hydrating("watchApplied, applying nothing", () => applyToNothing),
    hydrating(
      REPLICA,
      ({ directory }) =>
        (url, reached) =>
          fillReplica(join(directory, "copy"), url, reached),
    ),
    hydrating("the client's kv.watch, into a Map", () => clientToMap),
    { name: AGAIN, needs: ["large-bucket"], measure: reopen },
  ],
  baselines: [BARE],
  targets: [
    {
      text: "hydration within 10 % of the bare pull loop's rate",
      value: [REPLICA, WALL],
      over: [BARE, WALL],
      most: 1.1,
    },
    {
      text: "a copy of all keys that missed nothing is level within a second of its opening",
      value: [AGAIN, LEVEL],
      most: 1000,
    },
  ],
};
