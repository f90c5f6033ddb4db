// What the processes that write and follow a log are told, and what they answer.

/** The value of this key is the number of the batch that wrote it last, as the first 8 bytes, little-endian. */
export const NUMBER_KEY = "batch-number";

export interface WriterOrder {
  /** The log; where it is missing it is made, with all keys. */
  readonly path: string;
  /** Where the number of the last batch goes as well, once it is acknowledged, for who polls without a log. */
  readonly numberPath: string;
  readonly keys: number;
  readonly seed: number;
  readonly batches: number;
}

export interface ReaderOrder {
  readonly path: string;
  readonly numberPath: string;
  readonly pollMs: number;
  /** Whether to follow the log, or to poll the bare number. */
  readonly follows: boolean;
}

/** A process says "ready" when it has opened what it needs; then it is sent these. */
export type Command =
  /** To a writer: writes all batches and answers with a {@link WriterReport}. To a reader: the time that counts begins. */
  | { readonly kind: "begin" }
  /** To a reader: answers with a {@link ReaderReport} once it has seen this batch. */
  | { readonly kind: "until"; readonly batch: number };

/** Processor time between the beginning and the end, as a part of one core, and what opening the log took. */
export interface Cost {
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface WriterReport extends Cost {
  /** When `apply` resolved, by batch from number 1, as {@link nowMs}. */
  readonly resolvedMs: readonly number[];
  /** How long `apply` took, alike. */
  readonly latenciesMs: readonly number[];
  readonly compactions: number;
}

export interface ReaderReport extends Cost {
  /** Whenever a later batch came into sight: its number, and when that was. Those between two came with the later. */
  readonly sightings: readonly (readonly [batch: number, atMs: number])[];
  readonly jumps: number;
  readonly loads: number;
}

/** Of a clock that all processes of the machine share and that only goes forward, in milliseconds. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Starts to count processor time; the function returned gives the part of a core that it was. */
export function watchCores(): () => number {
  const startedAt = nowMs();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / (nowMs() - startedAt);
  };
}

/** To the process that started this one. */
export function answer(message: "ready" | WriterReport | ReaderReport): void {
  process.send?.(message);
}

/** The order of this process; it ends with the one that started it. */
export function takeOrder(onCommand: (command: Command) => void): unknown {
  process.on("message", onCommand);
  process.once("disconnect", () => process.exit());
  return JSON.parse(process.argv[2] ?? "") as unknown;
}
