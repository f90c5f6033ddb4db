import { readSnapshot } from "../../log/index.js";
import type { KvEntry } from "../../values/index.js";
import type { Command } from "../command.js";
import { sortedByKey } from "../copy.js";
import { requireFile } from "../files.js";

export const cat: Command = {
  name: "cat",
  usage: "FILE",
  summary:
    "The live entries of a snapshot log, sorted by key: key, version, value in base64, and time and ttl in ms where it has them. Never changes the file.",
  options: {},
  positionals: [1, 1],
  async run({ positionals: [file = ""] }, output) {
    await requireFile(file);
    const snapshot = await readSnapshot(file);
    for (const { key, value, version, ...times } of sortedByKey(snapshot?.entries.values() ?? [])) {
      const encoded = Buffer.from(value).toString("base64");
      if (output.json) {
        await output.record({ key, value: encoded, version: version.toHex(), ...times });
        continue;
      }
      await output.data(`${key}\t${version.toHex() || "-"}\t${encoded}${timesOf(times)}\n`);
    }
    if (snapshot?.origin !== undefined) output.say(`origin: ${snapshot.origin}`);
    return 0;
  },
};

/** Two more columns, where the entry has a time or a ttl. */
function timesOf({ timeMs, ttlMs }: Pick<KvEntry, "timeMs" | "ttlMs">): string {
  if (timeMs === undefined && ttlMs === undefined) return "";
  return `\t${timeMs ?? "-"}\t${ttlMs ?? "-"}`;
}
