// Removes the build folders named on the command line, so that no file outlives its source.
import { rmSync } from "node:fs";

for (const folder of process.argv.slice(2)) rmSync(folder, { recursive: true, force: true });
