import { verify as verifyLog } from "../../log/index.js";
import type { Command } from "../command.js";
import { requireFile } from "../files.js";
import { summaryOf } from "../log-summary.js";

export const verify: Command = {
  name: "verify",
  usage: "FILE",
  summary: "Checks every byte of a snapshot log: exit status 0 if clean, 1 with what and where.",
  options: {},
  positionals: [1, 1],
  async run({ positionals: [file = ""] }, output) {
    await requireFile(file);
    const report = await verifyLog(file);
    // A torn tail is what a killed writer leaves: nothing acknowledged is in it, and the next open cuts it off.
    if (output.json) await output.record({ file, clean: true, ...summaryOf(report) });
    else await output.data(`${file}: clean, ${report.records} records, ${report.bytes} bytes\n`);
    if (report.tornBytes > 0) {
      output.say(`  the last ${report.tornBytes} bytes are of a write that was cut short`);
    }
    return 0;
  },
};
