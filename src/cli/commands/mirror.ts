import { openReplica, type Replica } from "../../replica/index.js";
import { usageError } from "../arguments.js";
import type { Command } from "../command.js";
import { MirrorView } from "../mirror-view.js";
import type { Output } from "../output.js";
import { openDemoBucket, openServerBucket, type Source } from "../source.js";

export const mirror: Command = {
  name: "mirror",
  usage: "BUCKET --to DIR",
  summary: "Keeps a durable copy of BUCKET in DIR, until it is stopped.",
  options: {
    to: { value: "DIR", help: "the directory of the copy; made where missing" },
    nats: { value: "URL", help: "the server; without it, a demo bucket in this process" },
    creds: { value: "FILE", help: "a credentials file for the server" },
    prefix: { value: "P", repeatable: true, help: "only keys that start with P; may be repeated" },
    once: { help: "end when the copy has caught up" },
  },
  positionals: [1, 1],
  async run(parsed, output) {
    const [name = ""] = parsed.positionals;
    const directory = parsed.one("to");
    if (directory === undefined) throw usageError("--to DIR is missing");
    const url = parsed.one("nats");
    const credsFile = parsed.one("creds");
    if (url === undefined && credsFile !== undefined) throw usageError("--creds needs --nats");
    const prefixes = parsed.many("prefix");
    const stop = stopSignal();
    const source =
      url === undefined
        ? await openDemoBucket(name, directory, output)
        : await openServerBucket(name, { url, credsFile });
    try {
      const scope = prefixes.length === 0 ? undefined : prefixes;
      await follow({ source, directory, scope, once: parsed.flag("once"), stop }, output);
    } finally {
      await source.close();
    }
    return 0;
  },
};

interface Task {
  readonly source: Source;
  readonly directory: string;
  readonly scope: readonly string[] | undefined;
  readonly once: boolean;
  readonly stop: AbortSignal;
}

async function follow(task: Task, output: Output): Promise<void> {
  const view = new MirrorView(output);
  const failed = new AbortController();
  const replica = await openReplica({
    source: task.source.bucket,
    path: task.directory,
    ...(task.scope === undefined ? {} : { scope: task.scope }),
    onEvent(event) {
      view.onEvent(event);
      if (event.type === "state" && event.state === "failed") failed.abort();
    },
  });
  view.begin(replica);
  try {
    await untilDone(replica, task, failed.signal);
  } finally {
    view.end();
    await replica.close();
  }
  await sayStopped(replica, output);
}

/** Returns when the mirror has done its job or was told to stop; throws what stopped it otherwise. */
async function untilDone(replica: Replica, task: Task, failed: AbortSignal): Promise<void> {
  try {
    await replica.ready({ signal: task.stop });
  } catch (error) {
    if (task.stop.aborted) return;
    throw error;
  }
  if (task.once) return requireStored(replica);
  await aborted(AbortSignal.any([task.stop, failed]));
  if (failed.aborted) throw replica.status().lastError;
}

/** A copy that has caught up in memory only is not what a caller of --once waited for. */
function requireStored(replica: Replica): void {
  const { store, lastError } = replica.status();
  if (!store.ok) throw lastError;
}

async function sayStopped(replica: Replica, output: Output): Promise<void> {
  const { cursor, size } = replica.status();
  if (output.json) await output.record({ event: "stopped", cursor: cursor.toHex(), keys: size });
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
