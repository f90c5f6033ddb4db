import type { ResolvedConfig } from "./config.js";
import type { StreamIdentity } from "./bucket-stream.js";
import type { NewRecord } from "./record.js";

const FORMAT = 1;

/** One line of a bucket's file, as read back. */
export type BucketLine =
  | { readonly type: "header"; readonly identity: StreamIdentity }
  | { readonly type: "record"; readonly record: NewRecord }
  | { readonly type: "removed"; readonly sequences: readonly number[] }
  | { readonly type: "removed-before"; readonly sequence: number };

/** The first line: which bucket this is, and the sequence given last when the file was made. */
export function headerLine(identity: StreamIdentity): string {
  const { name, created, config, lastSequence } = identity;
  return `${JSON.stringify({ format: FORMAT, name, created, config, last: lastSequence })}\n`;
}

export function recordLine(record: NewRecord): string {
  const { sequence, time, key, kind, value, expiresAt } = record;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  return `${JSON.stringify({
    s: sequence,
    t: time,
    k: key,
    o: kind,
    ...(kind === "put" ? { v: bytes.toString("base64") } : {}),
    ...(expiresAt === undefined ? {} : { e: expiresAt }),
  })}\n`;
}

export function removedLine(sequences: readonly number[]): string {
  return `${JSON.stringify({ x: sequences })}\n`;
}

export function removedBeforeLine(sequence: number): string {
  return `${JSON.stringify({ b: sequence })}\n`;
}

/** What a line says; `undefined` for one that says nothing that this version knows. */
export function parseLine(text: string): BucketLine | undefined {
  const line = parseObject(text);
  if (line === undefined) return undefined;
  if ("format" in line) return headerOf(line);
  if ("x" in line) {
    const { x } = line;
    if (!Array.isArray(x) || !x.every(isSequence)) return undefined;
    return { type: "removed", sequences: x };
  }
  if ("b" in line) {
    return isSequence(line["b"]) ? { type: "removed-before", sequence: line["b"] } : undefined;
  }
  return recordOf(line);
}

function headerOf(line: Fields): BucketLine | undefined {
  const { format, name, created, last } = line;
  const config = configOf(line["config"]);
  if (format !== FORMAT || typeof name !== "string" || typeof created !== "string")
    return undefined;
  if (config === undefined || !(last === 0 || isSequence(last))) return undefined;
  return { type: "header", identity: { name, created, config, lastSequence: last } };
}

function configOf(value: unknown): ResolvedConfig | undefined {
  if (!isFields(value)) return undefined;
  const { history, maxBytes, discard, maxAgeMs, markerTtlMs } = value;
  if (!isSequence(history) || !isSequence(maxBytes)) return undefined;
  if (discard !== "new" && discard !== "old") return undefined;
  if (!(maxAgeMs === undefined || isSequence(maxAgeMs))) return undefined;
  if (!(markerTtlMs === undefined || isSequence(markerTtlMs))) return undefined;
  return {
    history,
    maxBytes,
    discard,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(markerTtlMs === undefined ? {} : { markerTtlMs }),
  };
}

function recordOf(line: Fields): BucketLine | undefined {
  const { s: sequence, t: time, k: key, o: kind, v: value, e: expiresAt } = line;
  if (!isSequence(sequence) || typeof time !== "number" || typeof key !== "string")
    return undefined;
  if (kind !== "put" && kind !== "delete" && kind !== "purge") return undefined;
  if (kind === "put" ? typeof value !== "string" : value !== undefined) return undefined;
  if (!(expiresAt === undefined || typeof expiresAt === "number")) return undefined;
  return {
    type: "record",
    record: {
      sequence,
      time,
      key,
      kind,
      value: Uint8Array.from(Buffer.from(typeof value === "string" ? value : "", "base64")),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSequence(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
