import { type OptionSpecs, type Parsed, usageError } from "./arguments.js";
import type { Output } from "./output.js";

/** One subcommand. `run` gives the exit status: 0 done, 1 the answer is "no" (absent, damaged); an error is thrown. */
export interface Command {
  readonly name: string;
  /** The positional arguments as the help shows them, e.g. `DIR KEY`. */
  readonly usage: string;
  readonly summary: string;
  readonly options: OptionSpecs;
  /** Fewest and most positional arguments. */
  readonly positionals: readonly [least: number, most: number];
  run(parsed: Parsed, output: Output): Promise<number>;
}

/** Throws `invalid-argument` where there are more or fewer positional arguments than the command takes. */
export function requirePositionals({ name, usage, positionals }: Command, parsed: Parsed): void {
  const [least, most] = positionals;
  const given = parsed.positionals.length;
  if (given < least || given > most) throw usageError(`expected: millpond ${name} ${usage}`);
}
