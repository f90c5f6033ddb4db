import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export type PythonAnswer =
  { readonly text: string } | { readonly code: string; readonly offset: number };

/** Reads logs in hex, a line each, and answers each with a line of JSON. */
const LOOP = `
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("read_log", "scripts/read-log.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for line in sys.stdin:
    try:
        entries, (cursor, time, origin) = module.read_log(bytes.fromhex(line))
        found = sorted([key.decode(), value.hex(), version.hex(), time, ttl] for key, (value, version, time, ttl) in entries.items())
        answer = {"entries": found, "cursor": cursor.hex(), "time": str(time), "origin": None if origin is None else origin.decode()}
    except module.LogError as error:
        answer = {"code": error.code, "offset": error.offset}
    print(json.dumps(answer), flush=True)
`;

interface Answer {
  readonly entries: readonly (readonly [string, string, string, number | null, number | null])[];
  readonly cursor: string;
  readonly time: string;
  readonly origin: string | null;
}

/** The reader in Python (scripts/read-log.py), kept running. */
export class PythonReader {
  readonly #child: ChildProcessWithoutNullStreams = spawn("python3", ["-c", LOOP]);
  readonly #lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  #errors = "";

  constructor() {
    this.#child.stderr.on("data", (chunk: Buffer) => (this.#errors += chunk.toString()));
  }

  /** One at a time. */
  async read(bytes: Buffer): Promise<PythonAnswer> {
    this.#child.stdin.write(`${bytes.toString("hex")}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the reader in Python has ended: ${this.#errors}`);
    const answer = JSON.parse(value) as Answer | { readonly code: string; readonly offset: number };
    return "code" in answer ? answer : { text: textOf(answer) };
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, "close");
  }
}

/** As the plain reader's state is told. */
function textOf({ entries, cursor, time, origin }: Answer): string {
  const lines = entries.map(([key, value, version, timeMs, ttlMs]) =>
    [key, value, version, timeMs ?? "", ttlMs ?? ""].join(" "),
  );
  return [...lines.toSorted(), cursor, cursor === "" ? "0" : time, origin ?? ""].join("\n");
}
