import { readSnapshot } from "../../log/index.js";
import type { Command } from "../command.js";
import { sortedByKey } from "../copy.js";
import { requireFile } from "../files.js";

export const cat: Command = {
  name: "cat",
  usage: "FILE",
  summary:
    "The live entries of a snapshot log, sorted by key, values in base64. Never changes the file.",
  options: {},
  positionals: [1, 1],
  async run({ positionals: [file = ""] }, output) {
    await requireFile(file);
    const snapshot = await readSnapshot(file);
    for (const { key, value, version } of sortedByKey(snapshot?.entries.values() ?? [])) {
      const encoded = Buffer.from(value).toString("base64");
      if (output.json) await output.record({ key, value: encoded, version: version.toHex() });
      else await output.data(`${key}\t${version.toHex() || "-"}\t${encoded}\n`);
    }
    return 0;
  },
};
