import { openReplica } from "../../src/replica/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import type { BadDayFault, BadDayOptions, BadDayProcess } from "../../src/testing/index.js";
import { type KvUpdate, WatchCursor } from "../../src/values/index.js";
import { watchApplied } from "../../src/watch/index.js";

type Consumer = Pick<BadDayOptions, "start" | "expected" | "faults">;

/**
 * What a consumer survives that keeps its state and its position in a database of its own. It has no store, so that it does not learn
 * what its bucket loses without a word.
 */
const BEARABLE: readonly BadDayFault[] = [
  "cut",
  "stall",
  "slow-line",
  "crash",
  "restart",
  "power-loss",
  "database-failure",
  "slow-database",
];

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A replica, read by its entries. */
export const replica: Consumer = {
  async start({ source, fs, clock, random }) {
    const copy = await openReplica({ source, path: "/data", fs, clock, random });
    return { state: () => copy.entries(), close: () => copy.close() };
  },
};

/** State in memory, made from a store when it starts. `ignores`: updates that it does not apply. */
export function inMemory(ignores: (update: KvUpdate) => boolean = () => false): Consumer {
  return {
    async start({ source, fs, clock, random, signal }) {
      const store = await AppendLogSnapshot.open("/data/routes.snap", { fs, clock, random });
      const routes = new Map<string, string>();
      for (const { key, value } of store.range("")) routes.set(key, text(value));
      const done = watchApplied<KvUpdate>({
        source,
        store,
        auditor: source,
        clock,
        random,
        signal,
        parse: (update) => update,
        apply(batch) {
          for (const update of batch) {
            if (ignores(update)) continue;
            if (update.kind === "put") routes.set(update.key, text(update.value));
            else routes.delete(update.key);
          }
        },
      });
      return { done, state: () => routes, close: () => store.close() };
    },
  };
}

/** How {@link inDatabase} writes a batch. `known`: the keys that have a value by the batches before. */
export type Apply = (
  batch: readonly KvUpdate[],
  database: BadDayProcess["database"],
  known: ReadonlySet<string>,
) => Promise<void>;

export const rowOf = (update: KvUpdate): [string, string | undefined] => [
  `route ${update.key}`,
  update.kind === "put" ? text(update.value) : undefined,
];

/** State and position in a database. */
export function inDatabase(
  apply: Apply = (batch, database) => database.write(batch.map(rowOf)),
): Consumer {
  return {
    faults: BEARABLE,
    async start({ source, database, clock, random, signal }) {
      const cursor = WatchCursor.fromHex((await database.get("cursor")) ?? "");
      const rows = await database.entries("route ");
      const known = new Set(rows.map(([row]) => row.slice("route ".length)));
      const done = watchApplied<KvUpdate>({
        source,
        resume: cursor,
        knownKeys: () => known,
        clock,
        random,
        signal,
        parse: (update) => update,
        async apply(batch) {
          await apply(batch, database, known);
          for (const { kind, key } of batch) {
            if (kind === "put") known.add(key);
            else known.delete(key);
          }
        },
        onApplied(position) {
          // One that does not get there is made up for by the next.
          database.set("cursor", position.toHex()).catch(() => undefined);
        },
      });
      const state = async (): Promise<[string, string][]> => {
        const now = await database.entries("route ");
        return now.map(([row, value]) => [row.slice("route ".length), value]);
      };
      return { done, state };
    },
  };
}

/**
 * State in a database, the position in a store. `reconciles`: at its start the database becomes what the store has, so that what was applied and
 * did not get into the store is undone.
 */
export function inDatabaseBesideStore(reconciles = true): Consumer {
  return {
    async start({ source, fs, database, clock, random, signal }) {
      const store = await AppendLogSnapshot.open("/data/routes.snap", { fs, clock, random });
      if (reconciles) {
        const rows = new Map<string, string | undefined>();
        for (const [key] of await database.entries()) rows.set(key, undefined);
        for (const { key, value } of store.range("")) rows.set(key, text(value));
        await database.write(rows);
      }
      const done = watchApplied<KvUpdate>({
        source,
        store,
        auditor: source,
        clock,
        random,
        signal,
        parse: (update) => update,
        apply: (batch) =>
          database.write(
            batch.map((update) => [
              update.key,
              update.kind === "put" ? text(update.value) : undefined,
            ]),
          ),
      });
      return { done, state: () => database.entries(), close: () => store.close() };
    },
  };
}

/** How many keys there are under each first part, counted along as updates come. `isAtomic`: a key and its count are written as one. */
export function counting(isAtomic: boolean): Consumer {
  const keyed = inDatabase(async (batch, database, known) => {
    const present = new Set(known);
    for (const update of batch) {
      const [row, value] = rowOf(update);
      const change = Number(value !== undefined) - Number(present.has(update.key));
      const count = `count ${groupOf(update.key)}`;
      const counted = Number((await database.get(count)) ?? "0") + change;
      if (value === undefined) present.delete(update.key);
      else present.add(update.key);
      if (isAtomic) {
        await database.write([
          [row, value],
          [count, `${counted}`],
        ]);
      } else {
        await database.set(count, `${counted}`);
        await database.write([[row, value]]);
      }
    }
  });
  return {
    ...keyed,
    async start(process) {
      const running = await keyed.start(process);
      const state = async (): Promise<(readonly [string, string])[]> => {
        const counts = await process.database.entries("count ");
        return counts.filter(([, count]) => count !== "0");
      };
      return { ...running, state };
    },
    expected(bucket) {
      const counts = new Map<string, number>();
      for (const key of bucket.keys()) {
        const group = `count ${groupOf(key)}`;
        counts.set(group, (counts.get(group) ?? 0) + 1);
      }
      return [...counts].map(([group, count]) => [group, `${count}`]);
    },
  };
}

function groupOf(key: string): string {
  return key.split(".", 1)[0] ?? key;
}

/** State in memory, from nothing at each start, and a position that outlives it. */
export const forgetful: Consumer = {
  faults: BEARABLE,
  async start(process) {
    const { source, database, clock, random, signal } = process;
    const routes = new Map<string, string>();
    const resume = WatchCursor.fromHex((await database.get("cursor")) ?? "");
    const done = watchApplied<KvUpdate>({
      source,
      resume,
      knownKeys: () => routes.keys(),
      clock,
      random,
      signal,
      parse: (update) => update,
      apply(batch) {
        for (const update of batch) {
          if (update.kind === "put") routes.set(update.key, text(update.value));
          else routes.delete(update.key);
        }
      },
      onApplied(position) {
        database.set("cursor", position.toHex()).catch(() => undefined);
      },
    });
    return { done, state: () => routes };
  },
};

/** The position goes to the database before what it stands for. */
export const hasty = inDatabase(async (batch, database) => {
  const last = batch.findLast(({ version }) => !version.isUnknown);
  if (last !== undefined) {
    await database.set("cursor", WatchCursor.fromVersion(last.version).toHex());
  }
  for (const update of batch) await database.write([rowOf(update)]);
});

/** What the database refuses is forgotten. */
export const careless = inDatabase(async (batch, database) => {
  await database.write(batch.map(rowOf)).catch(() => undefined);
});
