import { ManualClock } from "../../src/testing/manual-clock.js";
import type { KvUpdate, WatchCursor } from "../../src/values/index.js";
import {
  type RunningWatch,
  startWatch,
  type WatchAppliedOptions,
  type WatchEvent,
} from "../../src/watch/index.js";
import { Gate } from "./gate.js";
import { MemoryStore } from "./memory-store.js";
import { batchOf, ScriptedSource, told } from "./scripted-source.js";

/**
 * A watch under the test's control: its time, its source, its store, and a journal of what it did in which order. It ends
 * with the test, also with one that fails: it would keep the process alive.
 */
export interface Watching extends AsyncDisposable {
  readonly source: ScriptedSource;
  readonly store: MemoryStore;
  readonly clock: ManualClock;
  /** `apply …`, `store … → cursor`, `applied cursor`, in order. */
  readonly journal: string[];
  readonly events: WatchEvent[];
  /** For an `apply` or a store that is to take its time. Opens at the end of the test. */
  readonly gate: Gate;
  /** Aborts, and gives what the call resolves with. */
  stop(): Promise<WatchCursor>;
  readonly done: Promise<WatchCursor>;
  readonly watch: RunningWatch;
}

export type Overrides = Partial<WatchAppliedOptions<KvUpdate>> & {
  readonly source?: ScriptedSource;
  readonly store?: MemoryStore;
};

/** Starts a watch over a scripted source and a memory store. */
export function startWatching(overrides: Overrides = {}): Watching {
  const source = overrides.source ?? new ScriptedSource();
  const store = overrides.store ?? new MemoryStore();
  const clock = new ManualClock();
  const journal: string[] = [];
  const events: WatchEvent[] = [];
  const gate = new Gate();
  const controller = new AbortController();
  const applyToStore = store.apply.bind(store);
  store.apply = async (updates, cursor, details) => {
    journal.push(`store ${updates.map(told).join(", ") || "-"} → ${cursor.toU64() ?? "none"}`);
    await applyToStore(updates, cursor, details);
  };
  const watch = startWatch<KvUpdate>({
    parse: (update) => update,
    apply: (batch) => void journal.push(`apply ${batch.map(told).join(", ")}`),
    onApplied: (cursor) => void journal.push(`applied ${cursor.toU64() ?? "none"}`),
    onEvent: (event) => void events.push(event),
    random: () => 0.5,
    clock,
    signal: controller.signal,
    ...overrides,
    source,
    store,
  });
  const { done } = watch;
  // A test that expects the rejection awaits `done` itself.
  done.catch(() => undefined);
  const stop = (): Promise<WatchCursor> => {
    controller.abort(new Error("the test is over"));
    return done;
  };
  const dispose = async (): Promise<void> => {
    gate.open();
    await stop().catch(() => undefined);
  };
  return {
    source,
    store,
    clock,
    journal,
    events,
    gate,
    stop,
    done,
    watch,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Lets everything that needs no time happen. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Hands over a batch and lets it be flushed. */
export async function bring(
  watching: Watching,
  ...batch: Parameters<typeof batchOf>
): Promise<void> {
  await turns(10);
  watching.source.current.give(batchOf(...batch));
  await turns(10);
  watching.clock.advance(10);
  await turns(10);
}
