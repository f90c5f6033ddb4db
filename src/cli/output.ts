import { isMillpondError } from "../errors/index.js";

/** The part of a stream that the program writes to. */
export interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(chunk: string | Uint8Array): boolean;
  once(event: "drain", listener: () => void): unknown;
}

const DEFAULT_WIDTH = 80;

/**
 * Where the program speaks: machine-readable lines and raw values on standard output, everything for people on standard
 * error, so that one can be piped while the other is read.
 */
export class Output {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly #out: Sink;
  readonly #err: Sink;
  #liveLine = "";

  constructor(
    out: Sink,
    err: Sink,
    options: { readonly json: boolean; readonly verbose: boolean },
  ) {
    this.#out = out;
    this.#err = err;
    this.json = options.json;
    this.verbose = options.verbose;
  }

  /** Whether people's output goes to a terminal, where a line can be redrawn. */
  get interactive(): boolean {
    return this.#err.isTTY === true;
  }

  /** Columns of the terminal; some say none, and mean that they do not know. */
  get width(): number {
    return this.#err.columns || DEFAULT_WIDTH;
  }

  /** Bytes or text to standard output; resolves once a slow reader has made room. */
  async data(chunk: string | Uint8Array): Promise<void> {
    if (this.#out.write(chunk)) return;
    await new Promise<void>((resolve) => {
      this.#out.once("drain", resolve);
    });
  }

  /** One JSON object on a line of its own on standard output. */
  async record(value: object): Promise<void> {
    await this.data(`${JSON.stringify(value)}\n`);
  }

  /** A line for people. A live line, if there is one, stays below it. */
  say(line: string): void {
    const live = this.#liveLine;
    this.live("");
    this.#err.write(`${line}\n`);
    this.live(live);
  }

  /** Draws, replaces or (with `""`) removes the one line at the bottom of a terminal. Nothing where there is no terminal. */
  live(line: string): void {
    if (!this.interactive || line === this.#liveLine) return;
    this.#err.write(`\r\u001B[2K${line}`);
    this.#liveLine = line;
  }

  /** An error: a code, a sentence, a hint; with --verbose also where it came from. */
  async fail(error: unknown): Promise<void> {
    const { code, message, hint, details } = describeError(error);
    if (this.json) {
      const fields = {
        event: "error",
        code,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...details,
      };
      await this.record(fields);
    }
    this.say(`millpond: ${code}: ${message}`);
    if (hint !== undefined) this.say(`  ${hint}`);
    if (this.verbose && error instanceof Error && error.stack !== undefined) this.say(error.stack);
  }
}

interface ErrorDescription {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details: { readonly path?: string; readonly offset?: number; readonly pid?: number };
}

function describeError(error: unknown): ErrorDescription {
  if (!isMillpondError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      code: "internal",
      message,
      hint: "This is a fault in millpond: run again with --verbose and report what it prints.",
      details: {},
    };
  }
  const details: Record<string, unknown> = {};
  for (const field of ["path", "offset", "pid"] as const) {
    if (field in error) details[field] = error[field as keyof typeof error];
  }
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    details,
  };
}
