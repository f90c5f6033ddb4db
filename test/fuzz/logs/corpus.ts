import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LogFormat } from "../../../src/log/codec.js";
import { randomBatches } from "../../support/random-batches.js";
import { sampleOf } from "../../log/sweep/samples.js";
import { sample } from "../../support/log-notes.js";
import { framesOf, formatOf, type Frames } from "./frames.js";

/** A larger vector would only make everything slower. */
const BYTES_MAX = 4096;
const RANDOM_LOGS = 24;
const FOLDERS = [
  "fixtures/v2",
  "fixtures/v3",
  "fixtures/refused",
  "vectors/v2/good",
  "vectors/v2/torn",
  "vectors/v2/tail",
];

/** Logs to begin with: every fixture, the vectors of the original, and random ones, the same each time. */
export interface LogCorpus {
  readonly files: readonly Buffer[];
  readonly logs: readonly Frames[];
}

export function logCorpus(format: LogFormat): LogCorpus {
  const files = FOLDERS.flatMap(readAll).filter((bytes) => formatOf(bytes) === format);
  for (let seed = 0; seed < RANDOM_LOGS; seed += 1) {
    files.push(sampleOf(format, randomBatches(seed, 4)).bytes);
  }
  if (format === 3) files.push(sample().bytes);
  return { files, logs: files.map(framesOf) };
}

function readAll(folder: string): Buffer[] {
  const path = join("test", folder);
  return readdirSync(path)
    .filter((name) => name.endsWith(".snap"))
    .map((name) => readFileSync(join(path, name)))
    .filter((bytes) => bytes.length <= BYTES_MAX);
}
