import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

const BAD_USAGE = 2;

/** Ends the process with status 2 and one line on standard error: nothing was begun, whatever a campaign's own status would say. */
export function badUsage(message: string): never {
  process.stderr.write(`${message}; --help shows what there is\n`);
  process.exit(BAD_USAGE);
}

/** The options of the script's command line. With `--help` it prints `usage` and ends; what makes no sense is {@link badUsage}. */
export function argumentsOf<const T extends Options>(usage: string, options: T): Values<T> {
  const { help, ...values } = parsed(options);
  if (help === true) {
    process.stdout.write(`${usage.trim()}\n`);
    process.exit(0);
  }
  return values as Values<T>;
}

function parsed(options: Options): ReturnType<typeof parseArgs>["values"] {
  try {
    return parseArgs({ options: { ...options, help: { type: "boolean" } } }).values;
  } catch (error) {
    // What follows the first sentence tells how to escape a dash.
    const [first = ""] = String(error instanceof Error ? error.message : error).split(/\.\s/);
    return badUsage(first.replaceAll("\n", " "));
  }
}

/** The number that `--name TEXT` gives, from `least` to `most` (default: all that are exact). */
export function wholeNumber(
  name: string,
  text: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `${least} to ${most}`;
  return badUsage(`--${name} is a whole number ${bounds}, not ${JSON.stringify(text)}`);
}

/** The one of `choices` that `--name TEXT` gives. */
export function choice<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const chosen = choices.find((each) => each === text);
  if (chosen !== undefined) return chosen;
  return badUsage(`--${name} is one of ${choices.join(", ")}, not ${JSON.stringify(text)}`);
}

/** Those of `choices` that `--name TEXT` gives, with commas between them; all of them without it. */
export function choicesOf<T extends string>(
  name: string,
  text: string | undefined,
  choices: readonly T[],
): readonly T[] {
  return text?.split(",").map((each) => choice(name, each, choices)) ?? choices;
}

/** The first and the last of `A..B`. */
export function wholeRange(name: string, text: string): readonly [first: number, last: number] {
  const [first, last, ...more] = text.split("..");
  if (first === undefined || last === undefined || more.length > 0) {
    return badUsage(`--${name} is a range A..B, not ${JSON.stringify(text)}`);
  }
  const from = wholeNumber(name, first, 0);
  const to = wholeNumber(name, last, 0);
  if (from > to) return badUsage(`--${name} is a range A..B with A no more than B, not ${text}`);
  return [from, to];
}

/** A seed that is another each time. */
export function freshSeed(): string {
  return String(Date.now() % 2 ** 31);
}
