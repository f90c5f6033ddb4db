import { convert as convertLog, type ConvertResult } from "../../log/index.js";
import { choiceOf, usageError } from "../arguments.js";
import type { Command } from "../command.js";
import { count } from "../progress.js";

export const convert: Command = {
  name: "convert",
  usage: "FROM TO",
  summary: "Writes the snapshot log FROM to the new file TO in another format. Never changes FROM.",
  options: { format: { value: "2|3", help: "the format of TO" } },
  positionals: [2, 2],
  async run(parsed, output) {
    const [from = "", to = ""] = parsed.positionals;
    const format = choiceOf(parsed, "format", ["2", "3"]);
    if (format === undefined) throw usageError("--format is missing");
    const result = await convertLog(from, to, { format: format === "2" ? 2 : 3 });
    const { updates, bytes, tornBytes } = result;
    if (output.json) await output.record({ file: to, ...result });
    else {
      await output.data(
        `${to}: format ${result.to}, ${count(updates)} changes, ${count(bytes)} bytes\n`,
      );
    }
    for (const line of droppedLines(result)) output.say(`  ${line}`);
    if (tornBytes > 0) {
      output.say(`  left out the last ${tornBytes} bytes, of a write that was cut short`);
    }
    return 0;
  },
};

function droppedLines({ dropped, to }: ConvertResult): string[] {
  const parts: (readonly [number: number, what: string])[] = [
    [dropped.times, "times of changes"],
    [dropped.ttls, "times to live"],
    [dropped.cursorTimes, "times of cursors"],
    [dropped.origins, "notes of what the cursors belong to"],
  ];
  const lines = parts
    .filter(([number]) => number > 0)
    .map(([number, what]) => `format ${to} has no room for ${count(number)} ${what}: dropped`);
  if (dropped.purges > 0) lines.push(`${count(dropped.purges)} purges became deletes`);
  return lines;
}
