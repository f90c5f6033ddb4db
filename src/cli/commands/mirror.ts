import { openReplica, type Replica } from "../../replica/index.js";
import type { Command } from "../command.js";
import { requireDirectory } from "../files.js";
import { mirrorTaskOf, type MirrorTask } from "../mirror-task.js";
import { MirrorView } from "../mirror-view.js";
import type { Output } from "../output.js";
import { openDemoBucket, openServerBucket, type Source } from "../source.js";

/** As a shell counts a program that SIGINT ended before its work was done. */
const INTERRUPTED = 130;

export const mirror: Command = {
  name: "mirror",
  usage: "BUCKET --to DIR",
  summary: "Keeps a durable copy of BUCKET in DIR, until it is stopped.",
  options: {
    to: { value: "DIR", help: "the directory of the copy; made where missing" },
    nats: { value: "URL", help: "the server; without it, a demo bucket in this process" },
    creds: { value: "FILE", help: "a credentials file for the server" },
    prefix: { value: "P", repeatable: true, help: "only keys that start with P; may be repeated" },
    durability: {
      value: "process|power",
      help: "what the copy survives: kill -9 (default), or a power loss too, at an fsync a batch",
    },
    format: { value: "2|3", help: "the log's format; 2 for files shared with beyond-slipstream" },
    expiry: {
      value: "mirror|retain",
      help: "what the bucket drops by age or size goes from the copy too (default), or stays",
    },
    replace: { help: "make the copy of another bucket that is in DIR one of BUCKET" },
    once: { help: "end when the copy has caught up" },
  },
  positionals: [1, 1],
  async run(parsed, output) {
    const task = { ...mirrorTaskOf(parsed), stop: stopSignal() };
    const source = await openSource(task, output);
    if (source === undefined) return INTERRUPTED;
    try {
      return await follow(task, source, output);
    } finally {
      await source.close();
    }
  },
};

interface Task extends MirrorTask {
  readonly stop: AbortSignal;
}

/** `undefined` where the user gave up waiting for it. */
async function openSource(task: Task, output: Output): Promise<Source | undefined> {
  const { bucket, directory, server, replace, stop } = task;
  await requireDirectory(directory);
  if (server === undefined) {
    return openDemoBucket(bucket, { directory, replace }, output);
  }
  try {
    return await openServerBucket(bucket, server, stop);
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
}

async function follow(task: Task, source: Source, output: Output): Promise<number> {
  const view = new MirrorView(output);
  const over = new AbortController();
  task.stop.addEventListener("abort", () => over.abort(), { once: true });
  const replica = await openReplica({
    source: source.bucket,
    path: task.directory,
    onForeignCopy: task.replace ? "replace" : "throw",
    // Whoever types a name is told at once that it is wrong.
    failFast: true,
    ...task.store,
    ...(task.scope === undefined ? {} : { scope: task.scope }),
    onEvent(event) {
      view.onEvent(event);
      if (event.type === "state" && event.state === "failed") over.abort();
      // Whoever waits for --once is better told than kept waiting for a disk.
      if (event.type === "store-blocking" && task.once) over.abort();
    },
  });
  view.begin(replica);
  try {
    await untilOver(replica, task, over.signal);
  } finally {
    view.end();
    await replica.close();
  }
  const { cursor, size, store, lastError } = replica.status();
  if (!task.stop.aborted && !store.ok) throw lastError;
  view.stopped(cursor, size);
  return task.once && task.stop.aborted ? INTERRUPTED : 0;
}

/** Returns when the mirror has done its job or was told to stop; throws what stopped it otherwise. */
async function untilOver(replica: Replica, task: Task, over: AbortSignal): Promise<void> {
  try {
    await replica.ready({ signal: over });
    if (task.once) return;
  } catch (error) {
    if (!over.aborted) throw error;
  }
  await aborted(over);
  if (!task.stop.aborted) throw replica.status().lastError;
}

/** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
