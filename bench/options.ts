import { parseArgs } from "node:util";
import type { Part } from "./harness/part.js";

export interface BenchOptions {
  readonly parts: readonly Part[];
  readonly keys: number;
  readonly runs: number;
  readonly seed: number;
  readonly json: boolean;
  /** Whether to measure peers, and to install them where they are missing. */
  readonly peers: boolean;
  /** Where the data goes for the time of the run; undefined: the system's place for temporary files. */
  readonly directory: string | undefined;
}

export const USAGE = `npm run bench -- [part …] [options]

  --keys N        live keys (default 1000000)
  --runs N        measurements of each subject, of which the median counts (default 5)
  --seed N        of keys, values and orders (default 1)
  --no-peers      leave lmdb, classic-level and SQLite out; else they are installed into .cache/bench-peers
  --directory D   a directory for the data (some GB at a million keys; default: the system's temporary one)
  --json          one JSON document on standard output instead of tables
`;

/** Throws an error with a sentence for a command line that makes no sense. */
export function parseOptions(args: readonly string[], parts: readonly Part[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      keys: { type: "string", default: "1000000" },
      runs: { type: "string", default: "5" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      "no-peers": { type: "boolean", default: false },
      directory: { type: "string" },
    },
  });
  const names = parts.map(({ name }) => name);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`no part "${unknown}": there are ${names.join(", ")}`);
  return {
    parts: parts.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    keys: count("keys", values.keys),
    runs: count("runs", values.runs),
    seed: count("seed", values.seed),
    json: values.json,
    peers: !values["no-peers"],
    directory: values.directory,
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} is a whole number above 0, not ${text}`);
}
