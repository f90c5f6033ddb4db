import type { Command } from "../command.js";
import { openCopy, revisionOf } from "../copy.js";

export const ls: Command = {
  name: "ls",
  usage: "DIR [PREFIX]",
  summary: "The keys in the copy at DIR that start with PREFIX, in order, with revision and size.",
  options: {},
  positionals: [1, 2],
  async run({ positionals: [directory = "", prefix = ""] }, output) {
    await using copy = await openCopy(directory);
    for (const { key, value, version } of copy.entries(prefix)) {
      const revision = revisionOf(version);
      if (output.json) await output.record({ key, revision, size: value.length });
      else await output.data(`${key}\t${revision ?? "-"}\t${value.length}\n`);
    }
    return 0;
  },
};
