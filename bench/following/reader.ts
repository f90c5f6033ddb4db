// Follows a log that another process writes, or polls a number that it writes, and notes when it sees which batch.
import { openSync, readSync } from "node:fs";
import { openFollower, type FollowerStatus } from "../../src/replica/index.js";
import { settledMemory } from "../harness/settled-memory.js";
import { answer, nowMs, NUMBER_KEY, takeOrder, watchCores, type ReaderOrder } from "./protocol.js";

type Counts = Pick<FollowerStatus, "jumps" | "loads">;

const sightings: [batch: number, atMs: number][] = [];
let stopCores = watchCores();
let until = Infinity;

const order = takeOrder((command) => {
  if (command.kind === "begin") {
    stopCores = watchCores();
  } else {
    until = command.batch;
    answerIfDone();
  }
}) as ReaderOrder;
const before = await settledMemory();
const counts = order.follows ? await follow() : pollNumber();
const memoryBytes = (await settledMemory()).rss - before.rss;
answer("ready");
answerIfDone();

/** The same number again is no news; an earlier one is never to be seen. */
function saw(batch: number): void {
  const last = sightings.at(-1)?.[0] ?? 0;
  if (batch < last) throw new Error(`batch ${batch} came into sight after ${last}`);
  if (batch === last) return;
  sightings.push([batch, nowMs()]);
  answerIfDone();
}

function answerIfDone(): void {
  if ((sightings.at(-1)?.[0] ?? 0) < until) return;
  until = Infinity;
  answer({ sightings, ...counts(), cores: stopCores(), memoryBytes });
}

async function follow(): Promise<() => Counts> {
  const follower = await openFollower({
    path: order.path,
    pollMs: order.pollMs,
    onEvent({ type }) {
      if (type === "went-back") throw new Error("the follower went back");
      if (type !== "changed") return;
      const value = follower.get(NUMBER_KEY);
      if (value !== undefined) saw(Number(Buffer.from(value).readBigUInt64LE()));
    },
  });
  await follower.ready();
  const { loads } = follower.status();
  return () => {
    const status = follower.status();
    return { jumps: status.jumps, loads: status.loads - loads };
  };
}

function pollNumber(): () => Counts {
  const file = openSync(order.numberPath, "r");
  const bytes = Buffer.alloc(8);
  const look = (): void => {
    if (readSync(file, bytes, 0, bytes.length, 0) > 0) saw(Number(bytes.readBigUInt64LE()));
    setTimeout(look, order.pollMs);
  };
  look();
  return () => ({ jumps: 0, loads: 0 });
}
