import { inspectLog } from "../../log/index.js";
import type { Command } from "../command.js";
import { sentenceOf, summaryOf } from "../log-summary.js";

export const inspect: Command = {
  name: "inspect",
  usage: "FILE...",
  summary: "What each snapshot log holds, a line a file in the order given. Never changes a file.",
  options: {},
  positionals: [1, Number.MAX_SAFE_INTEGER],
  async run({ positionals }, output) {
    let status = 0;
    for (const file of positionals) {
      const report = await inspectLog(file);
      if (output.json) await output.record({ file, ...summaryOf(report) });
      else await output.data(`${file}: ${sentenceOf(report)}\n`);
      if (report.result !== "error") continue;
      status = 1;
      if (report.hint !== undefined) output.say(`  ${report.hint}`);
    }
    return status;
  },
};
