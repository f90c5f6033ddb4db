import { join } from "node:path";
import { Helper } from "../following/helper.js";
import type { ReaderReport, WriterReport } from "../following/protocol.js";
import type { Figures, Part, Subject, Task } from "../harness/part.js";

const POLL_MS = 25;
const READERS = 8;
const BARE = `${READERS} that poll a bare number`;
const FOLLOWERS = `${READERS} followers`;
const P99 = "p99";
const POLLS = "p99 in polls";

/** Few, so that compactions come by the second at a rate that leaves the machine idle. */
const KEYS_MAX = 2000;
const BATCHES_MAX = 1000;
/** So a small run takes less than a second. */
const KEYS_A_BATCH = 20;
const MIB = 1024 * 1024;

interface Scene {
  readonly readers: number;
  readonly pollMs: number;
  readonly follows: boolean;
}

async function measure({ data, directory }: Task, scene: Scene): Promise<Figures> {
  const { pollMs, follows } = scene;
  const path = join(directory, "log");
  const numberPath = join(directory, "number");
  const batches = Math.min(BATCHES_MAX, Math.ceil(data.keys / KEYS_A_BATCH));
  const keys = Math.min(KEYS_MAX, data.keys);
  using writer = new Helper("writer", { path, numberPath, keys, seed: data.seed, batches });
  await writer.ready();
  const readers = Array.from(
    { length: scene.readers },
    () => new Helper("reader", { path, numberPath, pollMs, follows }),
  );
  try {
    await Promise.all(readers.map((reader) => reader.ready()));
    for (const reader of readers) reader.tell({ kind: "begin" });
    const written = await writer.ask<WriterReport>({ kind: "begin" });
    const reports = await Promise.all(
      readers.map((reader) => reader.ask<ReaderReport>({ kind: "until", batch: batches })),
    );
    return figuresOf(scene, written, reports);
  } finally {
    for (const reader of readers) reader[Symbol.dispose]();
  }
}

function figuresOf(
  { pollMs, follows }: Scene,
  written: WriterReport,
  reports: readonly ReaderReport[],
): Figures {
  const delays = sorted(reports.flatMap((report) => delaysOf(report, written.resolvedMs)));
  const mean = (of: (report: ReaderReport) => number): number =>
    reports.reduce((sum, report) => sum + of(report), 0) / reports.length;
  const figures = {
    [P99]: atPart(delays, 0.99),
    p50: atPart(delays, 0.5),
    max: atPart(delays, 1),
    [POLLS]: atPart(delays, 0.99) / pollMs,
    "cpu of each": 100 * mean(({ cores }) => cores),
    "memory of each": mean(({ memoryBytes }) => memoryBytes) / MIB,
    "writer's p99": atPart(sorted(written.latenciesMs), 0.99),
    "writer's cpu": 100 * written.cores,
    "writer's memory": written.memoryBytes / MIB,
    compactions: written.compactions,
  };
  if (!follows) return figures;
  return { ...figures, jumps: mean(({ jumps }) => jumps), loads: mean(({ loads }) => loads) };
}

/** Of every batch, from the writer's `apply` to the sight of it or of a later one. Not before is as good as at once. */
function delaysOf({ sightings }: ReaderReport, resolvedMs: readonly number[]): number[] {
  let seen = 0;
  return sightings.flatMap(([batch, atMs]) => {
    const came = resolvedMs.slice(seen, batch).map((resolvedAt) => Math.max(0, atMs - resolvedAt));
    seen = batch;
    return came;
  });
}

function sorted(values: readonly number[]): Float64Array {
  return Float64Array.from(values).toSorted();
}

/** The least value that so large a part of all does not exceed. */
function atPart(values: Float64Array, part: number): number {
  return values[Math.ceil(part * values.length) - 1] ?? Number.NaN;
}

function subject(name: string, scene: Scene): Subject {
  return { name, measure: (task) => measure(task, scene) };
}

export const follower: Part = {
  name: "follower",
  about: `From the writer's \`apply\` to the sight of the batch in other processes, one clock: 200 batches a second of 10 updates, ${KEYS_MAX} keys at most, ${BATCHES_MAX} batches at most, compactions by a threshold of 256 KiB. A look every ${POLL_MS} ms where nothing else is said.`,
  metrics: [
    { name: P99, unit: "ms", digits: 1 },
    { name: "p50", unit: "ms", digits: 1 },
    { name: "max", unit: "ms", digits: 1 },
    { name: POLLS, unit: "polls", digits: 2 },
    { name: "cpu of each", unit: "% of a core", digits: 1 },
    { name: "memory of each", unit: "MiB", digits: 1 },
    { name: "writer's p99", unit: "ms", digits: 2 },
    { name: "writer's cpu", unit: "% of a core", digits: 1 },
    { name: "writer's memory", unit: "MiB", digits: 1 },
    { name: "compactions", unit: "in all" },
    { name: "jumps", unit: "each", digits: 1 },
    { name: "loads", unit: "each", digits: 1 },
  ],
  subjects: [
    subject(BARE, { readers: READERS, pollMs: POLL_MS, follows: false }),
    subject("1 follower", { readers: 1, pollMs: POLL_MS, follows: true }),
    subject(FOLLOWERS, { readers: READERS, pollMs: POLL_MS, follows: true }),
    subject(`${FOLLOWERS}, a look every 5 ms`, { readers: READERS, pollMs: 5, follows: true }),
  ],
  baselines: [BARE],
  targets: [
    {
      text: "seen at most one poll after the writer's own batch (p99)",
      value: [FOLLOWERS, POLLS],
      most: 1,
    },
    {
      text: "p99 ≤ 1.1 × that of a bare poll",
      value: [FOLLOWERS, P99],
      over: [BARE, P99],
      most: 1.1,
    },
  ],
};
