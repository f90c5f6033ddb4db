// The test kit: a service's own `apply` on a simulated bad day, and the parts that such a day is made of. See docs/TESTING.md.
import assert from "node:assert/strict";
import { AppendLogSnapshot, isMillpondError, openReplica, watchApplied } from "millpond";
import {
  BadDayError,
  describeBucket,
  describeSnapshotStore,
  ManualClock,
  openInProcess,
  randomFrom,
  simulateBadDay,
  SimulatedDisk,
  SimulatedLink,
} from "millpond/testing";

const text = (bytes) => new TextDecoder().decode(bytes);

function applyTo(routes, batch) {
  for (const { kind, key, value } of batch) {
    if (kind === "put") routes.set(key, text(value));
    else routes.delete(key);
  }
}
const parse = (update) => update;

async function start({ source, fs, clock, random, signal }) {
  const store = await AppendLogSnapshot.open("/data/routes.snap", { fs, clock, random });
  const routes = new Map(Array.from(store.range(""), (entry) => [entry.key, text(entry.value)]));
  const apply = (batch) => applyTo(routes, batch);
  const watch = { source, store, auditor: source, clock, random, signal, parse, apply };
  return { done: watchApplied(watch), state: () => routes, close: () => store.close() };
}

const report = await simulateBadDay({ seed: 3, start }); // without a seed it is another day each time
console.log(`${report.rounds} rounds, ${report.updates} updates, ${report.starts} starts`);
console.log("faults:", report.faults);

async function startReplica({ source, fs, clock, random }) {
  const replica = await openReplica({ source, path: "/data/routes", fs, clock, random });
  return { state: () => replica.entries("edge."), close: () => replica.close() };
}
const expected = (bucket) => [...bucket].filter(([key]) => key.startsWith("edge."));

await simulateBadDay({
  seed: 7,
  start: startReplica,
  expected,
  faults: ["cut", "crash", "recreate"],
});

const rowOf = ({ kind, key, value }) => [key, kind === "put" ? text(value) : undefined];

async function startOnDatabase({ source, fs, clock, random, signal, database }) {
  const store = await AppendLogSnapshot.open("/data/routes.snap", { fs, clock, random });
  const rows = new Map((await database.entries()).map(([key]) => [key, undefined]));
  for (const { key, value } of store.range("")) rows.set(key, text(value));
  await database.write(rows); // undefined deletes: now the database has what the store has, and nothing else
  const apply = (batch) => database.write(batch.map(rowOf));
  const watch = { source, store, auditor: source, clock, random, signal, parse, apply };
  return {
    done: watchApplied(watch),
    state: () => database.entries(),
    close: () => store.close(),
  };
}

await simulateBadDay({ seed: 5, start: startOnDatabase });

// A removal that a repair makes up is ignored: the key stays for ever.
async function startWrong({ source, fs, clock, random, signal }) {
  const store = await AppendLogSnapshot.open("/data/routes.snap", { fs, clock, random });
  const routes = new Map(Array.from(store.range(""), (entry) => [entry.key, text(entry.value)]));
  const apply = (batch) => {
    const heeded = batch.filter(({ reason }) => reason !== "vanished");
    applyTo(routes, heeded);
  };
  const watch = { source, store, auditor: source, clock, random, signal, parse, apply };
  return { done: watchApplied(watch), state: () => routes, close: () => store.close() };
}
await assert.rejects(simulateBadDay({ seed: 1, start: startWrong }), (error) => {
  assert.ok(error instanceof BadDayError);
  console.log(error.message);
  return true;
});

{
  const clock = new ManualClock();
  const connection = await openInProcess({ clock });
  const bucket = await connection.createBucket("routes");
  await bucket.put("edge.a", Buffer.from("1"));
  await bucket.put("edge.b", Buffer.from("2"));

  const line = new SimulatedLink(bucket, clock, randomFrom(7)); // 7: the seed
  const disk = new SimulatedDisk(clock, randomFrom(7));
  const copy = { source: line, path: "/data/routes", clock, random: randomFrom(7) };
  const replica = await openReplica({ ...copy, fs: disk.process() });
  const isLive = () => replica.status().state === "live";
  assert.ok(await clock.runUntil(isLive, 10_000)); // milliseconds of virtual time

  line.cut(); // restore() ends it; freeze() and thaw(): as if nothing were wrong, but nothing comes through
  await bucket.delete("edge.a");
  await bucket.purgeDeletes(); // as an operator does: nothing says any more that edge.a was deleted
  await clock.run(60_000);
  assert.ok(replica.get("edge.a") !== undefined);
  assert.equal(replica.status().state, "stale");

  line.restore();
  assert.ok(await clock.runUntil(() => replica.get("edge.a") === undefined, 120_000));

  disk.fail("write"); // heal() ends it; also "read", "sync", "rename", `capacityBytes`, `latencyMs`
  await bucket.put("edge.b", Buffer.from("3"));
  await clock.run(1000);
  assert.equal(text(replica.get("edge.b")), "3");
  assert.equal(replica.status().store.ok, false);

  disk.losePower(); // what was not synced may be gone, and whoever used the disk is dead
  disk.heal();
  line.kill();
  const again = await openReplica({ ...copy, source: bucket, fs: disk.process() });
  assert.ok(await clock.runUntil(() => again.status().state === "live", 10_000));
  assert.equal(text(again.get("edge.b")), "3");

  await Promise.allSettled([replica.close(), again.close()]);
  await connection.close();
}

describeSnapshotStore("my store", { open: (path) => AppendLogSnapshot.open(path) });

describeBucket("my backend", {
  async open() {
    const connection = await openInProcess();
    const others = [];
    return {
      connection,
      async connect() {
        others.push(connection.connect());
        return others.at(-1);
      },
      operator: {
        deleteBucket: (name) =>
          connection.deleteBucket(name).catch((error) => {
            if (!isMillpondError(error, "bucket-not-found")) throw error;
          }),
        evictBefore: (name, sequence) => connection.bucket(name).evictBefore(sequence),
        deleteMessage: (name, sequence) => connection.bucket(name).deleteMessage(sequence),
        putRaw: async (name, key, value) => void (await connection.bucket(name).putRaw(key, value)),
      },
      async [Symbol.asyncDispose]() {
        for (const each of [connection, ...others]) await each.close();
      },
    };
  },
});
