import { parseArgs, type ParseArgsConfig } from "node:util";
import { MillpondError } from "../errors/index.js";

export type OptionSpecs = Record<string, OptionSpec>;

export interface OptionSpec {
  /** What stands for the value in the help, e.g. `DIR`; left out for a switch. */
  readonly value?: string;
  readonly repeatable?: boolean;
  readonly help: string;
}

/** What a command line says about one command, already checked against the command's specification. */
export interface Parsed {
  readonly positionals: readonly string[];
  flag(name: string): boolean;
  /** The value of an option given at most once. */
  one(name: string): string | undefined;
  many(name: string): readonly string[];
}

/** Options that every command takes. */
export const commonOptions = {
  json: { help: "one JSON object a line on standard output" },
  verbose: { help: "show where in the program an error came from" },
  help: { help: "show this help" },
} satisfies OptionSpecs;

/** Parses `argv` for one command. Throws `invalid-argument` for an unknown option or a missing value. */
export function parseCommandLine(argv: readonly string[], options: OptionSpecs): Parsed {
  const config: ParseArgsConfig["options"] = {};
  for (const [name, spec] of Object.entries(options)) {
    config[name] = { type: spec.value === undefined ? "boolean" : "string", multiple: true };
  }
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...argv], options: config, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageError(error instanceof Error ? firstSentence(error.message) : String(error), error);
  }
  const valuesOf = (name: string): (string | boolean)[] => {
    const given = parsed.values[name];
    if (given === undefined) return [];
    return Array.isArray(given) ? given : [given];
  };
  for (const [name, spec] of Object.entries(options)) {
    if (spec.value !== undefined && spec.repeatable !== true && valuesOf(name).length > 1) {
      throw usageError(`--${name} is given more than once`);
    }
  }
  const many = (name: string): string[] => valuesOf(name).map(String);
  return {
    positionals: parsed.positionals,
    flag: (name) => valuesOf(name).length > 0,
    one: (name) => many(name)[0],
    many,
  };
}

/** The option's value, shown in the help as `value`; it must be given, and not be empty as an unset variable of a shell is. */
export function requiredOne(parsed: Parsed, name: string, value: string): string {
  const given = parsed.one(name);
  if (given === undefined) throw usageError(`--${name} ${value} is missing`);
  if (given === "") throw usageError(`--${name} ${value} is empty`);
  return given;
}

/** The option's value, which must be one of these; undefined where it is not given. */
export function choiceOf<T extends string>(
  parsed: Parsed,
  name: string,
  choices: readonly T[],
): T | undefined {
  const given = parsed.one(name);
  const chosen = choices.find((choice) => choice === given);
  if (given !== undefined && chosen === undefined) {
    throw usageError(`--${name} is ${choices.join(" or ")}, not ${JSON.stringify(given)}`);
  }
  return chosen;
}

export function usageError(message: string, cause?: unknown): MillpondError {
  return new MillpondError("invalid-argument", message, {
    hint: "Run the command with --help to see what it takes.",
    cause,
  });
}

/** Node's messages go on to explain how to escape a dash, which helps nobody here. */
function firstSentence(message: string): string {
  return message.split(". ")[0]?.replace(/\.$/, "") ?? message;
}
