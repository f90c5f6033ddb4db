import { stat } from "node:fs/promises";
import { SnapshotWriter } from "../../log/index.js";
import type { Command } from "../command.js";
import { requireFile } from "../files.js";
import { count } from "../progress.js";

/** Compaction is asked for here, never found due. */
const NEVER_DUE = Number.MAX_SAFE_INTEGER;

export const compact: Command = {
  name: "compact",
  usage: "FILE",
  summary:
    "Rewrites a snapshot log with its live entries only. Takes the writer's lock: a mirror does it by itself.",
  options: {},
  positionals: [1, 1],
  async run({ positionals: [file = ""] }, output) {
    await requireFile(file);
    const writer = await SnapshotWriter.open(file, NEVER_DUE, { onCorruption: "throw" });
    let before: number;
    try {
      before = writer.size;
      await writer.compact();
    } finally {
      await writer.close();
    }
    const { size: after } = await stat(file);
    if (output.json) await output.record({ file, before, after });
    else await output.data(`${file}: ${count(before)} bytes before, ${count(after)} now\n`);
    return 0;
  },
};
