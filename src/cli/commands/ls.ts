import type { Command } from "../command.js";
import { readCopy, revisionOf, sortedByKey } from "../copy.js";

export const ls: Command = {
  name: "ls",
  usage: "DIR [PREFIX]",
  summary: "The keys in the copy at DIR that start with PREFIX, in order, with revision and size.",
  options: {},
  positionals: [1, 2],
  async run({ positionals: [directory = "", prefix = ""] }, output) {
    const entries = await readCopy(directory);
    const matching = [...entries.values()].filter(({ key }) => key.startsWith(prefix));
    for (const { key, value, version } of sortedByKey(matching)) {
      const revision = revisionOf(version);
      if (output.json) await output.record({ key, revision, size: value.length });
      else await output.data(`${key}\t${revision ?? "-"}\t${value.length}\n`);
    }
    return 0;
  },
};
