import type { BucketLimits } from "../../src/kv/index.js";
import type { BucketFacts, CursorOrigin } from "../../src/watch/options.js";
import { MemoryStore } from "./memory-store.js";
import { at, put, removal, ScriptedSource } from "./scripted-source.js";
import { bring, type Overrides, startWatching, turns, type Watching } from "./watching.js";

/** A copy of `a`, `b` and `c` at position 5. */
export function copy(): MemoryStore {
  return MemoryStore.of([put("a", 1), put("b", 2), put("c", 3)], at(5));
}

/** Of a bucket that forgets nothing by itself. */
export const endless: BucketLimits = {
  maxAgeMs: undefined,
  allowsTtl: false,
  markerTtlMs: undefined,
  discardsOld: false,
};

/** Whose a bucket is that says this of itself, and whose positions are all good. */
export function originOf(facts: Partial<BucketFacts> = {}): CursorOrigin {
  const identity = { bucket: "b", created: "monday", firstSequence: 1n, records: 3 };
  return {
    read: () => Promise.resolve({ ...identity, ...facts }),
    refusal: () => undefined,
    adopt: () => Promise.resolve(),
  };
}

export const origin: CursorOrigin = originOf({ limits: endless });

/** A source that answers no count, so that no audit begins by itself. */
export function uncounted(): ScriptedSource {
  const source = new ScriptedSource();
  source.countRecords = () => Promise.reject(new Error("not now"));
  return source;
}

/** `key@revision` of each entry, in order. */
export function revisions(store: MemoryStore): string[] {
  return [...store.entries].map(([key, { version }]) => `${key}@${version.toU64()}`).toSorted();
}

/** A watch whose counts begin by themselves, of a copy that was filled with what the source has. */
export async function counting(
  source: ScriptedSource,
  overrides: Overrides = {},
): Promise<Watching> {
  const watching = startWatching({ source, auditor: source, origin, ...overrides });
  const records = [...source.kept.values()].map((record) =>
    record.kind === "put" ? { ...record, kind: "put" as const } : removal(record.key, 7),
  );
  await bring(watching, records, { cursor: at(9), caughtUp: true });
  return watching;
}

/** Lets a count come due, and the second look at one that differs. */
export async function count(watching: Watching): Promise<void> {
  for (const ms of [60_000, 2000]) {
    watching.clock.advance(ms);
    await turns(20);
  }
}

/** What the counts found, in order. */
export function verdicts({ events }: Watching): boolean[] {
  return events.filter((event) => event.type === "counted").map(({ ok }) => ok);
}

/** How often a source was asked this. */
export function asked({ calls }: ScriptedSource, call: string): number {
  return calls.filter((other) => other === call).length;
}
