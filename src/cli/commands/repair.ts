import { repairLog } from "../../log/index.js";
import type { Command } from "../command.js";
import { requireFile } from "../files.js";
import { repairFields, sentenceOfRepair } from "../repair-summary.js";

export const repair: Command = {
  name: "repair",
  usage: "FILE",
  summary:
    "Sets a damaged log aside and keeps what is good before the damage; exit status 1 for a dry run that finds damage.",
  options: { "dry-run": { help: "only say what would be done: changes nothing, takes no lock" } },
  positionals: [1, 1],
  async run(parsed, output) {
    const [file = ""] = parsed.positionals;
    const dryRun = parsed.flag("dry-run");
    await requireFile(file);
    const done = await repairLog(file, { dryRun });
    const result = done === undefined ? "clean" : dryRun ? "damaged" : "repaired";
    const what = done === undefined ? "nothing is damaged" : sentenceOfRepair(done);
    if (output.json) await output.record({ file, result, ...(done && repairFields(done)) });
    else await output.data(`${file}: ${result}: ${what}\n`);
    return result === "damaged" ? 1 : 0;
  },
};
