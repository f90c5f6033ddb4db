import type { Command } from "../command.js";
import { openCopy, revisionOf } from "../copy.js";

export const get: Command = {
  name: "get",
  usage: "DIR KEY",
  summary: "The value of KEY in the copy at DIR, byte for byte; exit status 1 if there is none.",
  options: {},
  positionals: [2, 2],
  async run({ positionals: [directory = "", key = ""] }, output) {
    await using copy = await openCopy(directory);
    const entry = copy.entry(key);
    if (entry === undefined) {
      if (output.json) await output.record({ key, found: false });
      output.say(`millpond: key-not-found: ${directory} has no key ${JSON.stringify(key)}`);
      output.say(`  millpond ls ${directory} lists those that it has.`);
      return 1;
    }
    if (output.json) {
      const value = Buffer.from(entry.value).toString("base64");
      await output.record({ key, found: true, revision: revisionOf(entry.version), value });
    } else {
      await output.data(entry.value);
    }
    return 0;
  },
};
