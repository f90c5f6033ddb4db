// A replica in a process of its own, which can be stopped and killed. Says what it hears, and answers what it is asked.
import { crc32 } from "node:zlib";
import { connect } from "../../src/nats/index.js";
import { openReplica } from "../../src/replica/index.js";
import type { Ask, ChildMessage, CopiedEntry, ReplicaSetup } from "./replica-process.js";

const setup = JSON.parse(process.argv[2] ?? "{}") as ReplicaSetup;
const say = (message: ChildMessage): void => {
  process.send?.(message);
};
process.on("disconnect", () => process.exit());

const connection = await connect({ servers: setup.servers, waitForServer: false });
const replica = await openReplica({
  source: connection.bucket(setup.bucket),
  path: setup.path,
  ...(setup.prefixes === undefined ? {} : { scope: setup.prefixes }),
  ...setup.options,
  onEvent(event) {
    if (event.type === "progress") return;
    const error = "error" in event ? String(event.error) : undefined;
    const state = event.type === "state" ? event.state : undefined;
    say({ kind: "event", event: { at: Date.now(), type: event.type, state, error } });
  },
});

function* copied(): Iterable<CopiedEntry> {
  for (const { key, revision, value } of replica.entries()) {
    yield [key, Number(revision), crc32(value)];
  }
}

async function answer(ask: Ask): Promise<unknown> {
  switch (ask) {
    case "status": {
      const { state, cursor, lag, asOf, counters, lastError } = replica.status();
      const { pending } = lag;
      const { repairs } = counters;
      const position = Number(cursor.toU64() ?? 0n);
      const error = lastError instanceof Error ? String(lastError) : undefined;
      return { state, cursor: position, pending, asOf, repairs, error };
    }
    case "entries":
      return [...copied()];
    case "memory":
      return process.resourceUsage().maxRSS / 1024;
    case "close":
      await replica.close();
      await connection.close();
      return undefined;
  }
}

process.on("message", ({ id, ask }: { readonly id: number; readonly ask: Ask }) => {
  answer(ask).then(
    (result) => say({ kind: "answer", id, result }),
    (error: unknown) => say({ kind: "answer", id, error: String(error) }),
  );
});
