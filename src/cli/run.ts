import { createRequire } from "node:module";
import { isMillpondError } from "../errors/index.js";
import { commonOptions, parseCommandLine, usageError } from "./arguments.js";
import { type Command, requirePositionals } from "./command.js";
import { audit } from "./commands/audit.js";
import { cat } from "./commands/cat.js";
import { compact } from "./commands/compact.js";
import { convert } from "./commands/convert.js";
import { get } from "./commands/get.js";
import { inspect } from "./commands/inspect.js";
import { ls } from "./commands/ls.js";
import { mirror } from "./commands/mirror.js";
import { repair } from "./commands/repair.js";
import { verify } from "./commands/verify.js";
import { commandHelp, generalHelp } from "./help.js";
import { Output, type Sink } from "./output.js";

const commands: readonly Command[] = [
  mirror,
  audit,
  get,
  ls,
  inspect,
  cat,
  verify,
  compact,
  convert,
  repair,
];
const BAD_USAGE = 2;

/** Runs one command line and gives the exit status. Never throws: what goes wrong is said on `err`. */
export async function run(argv: readonly string[], out: Sink, err: Sink): Promise<number> {
  const output = new Output(out, err, {
    json: argv.includes("--json"),
    verbose: argv.includes("--verbose"),
  });
  try {
    return await dispatch(argv, output);
  } catch (error) {
    await output.fail(error);
    return isBadUsage(error) ? BAD_USAGE : 1;
  }
}

function isBadUsage(error: unknown): boolean {
  return isMillpondError(error, "invalid-argument") || isMillpondError(error, "invalid-key");
}

async function dispatch(argv: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    await output.data(`${generalHelp(commands)}\n`);
    return name === undefined ? BAD_USAGE : 0;
  }
  if (name === "--version") {
    await output.data(`${version()}\n`);
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) throw usageError(`there is no command ${JSON.stringify(name)}`);
  const options = { ...command.options, ...commonOptions };
  const parsed = parseCommandLine(rest, options);
  if (parsed.flag("help")) {
    await output.data(`${commandHelp(command, options)}\n`);
    return 0;
  }
  requirePositionals(command, parsed);
  return command.run(parsed, output);
}

function version(): string {
  const require = createRequire(import.meta.url);
  return (require("millpond/package.json") as { version: string }).version;
}
