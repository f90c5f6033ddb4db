import type { OptionSpecs } from "./arguments.js";
import type { Command } from "./command.js";

const COLUMN = 26;

export function generalHelp(commands: readonly Command[]): string {
  return [
    "millpond keeps a durable local copy of a NATS JetStream KV bucket.",
    "",
    "Usage: millpond COMMAND [ARGUMENTS] [OPTIONS]",
    "",
    ...commands.map(({ name, usage, summary }) => row(`${name} ${usage}`, summary)),
    "",
    "millpond COMMAND --help shows a command's options; --version shows the version.",
    "Exit status: 0 done, 1 failed or absent, 2 the command line makes no sense, 130 interrupted.",
  ].join("\n");
}

export function commandHelp(command: Command, options: OptionSpecs): string {
  return [
    `Usage: millpond ${command.name} ${command.usage} [OPTIONS]`,
    "",
    command.summary,
    "",
    ...Object.entries(options).map(([name, { value, help }]) =>
      row(`--${name}${value === undefined ? "" : ` ${value}`}`, help),
    ),
  ].join("\n");
}

function row(left: string, right: string): string {
  const cell = `  ${left}`;
  return cell.length < COLUMN
    ? cell.padEnd(COLUMN) + right
    : `${cell}\n${" ".repeat(COLUMN)}${right}`;
}
