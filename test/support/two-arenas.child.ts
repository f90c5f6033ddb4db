// Opens two copies in memory, the second of which the process may have no address space for, and prints what comes of it.
import { isMillpondError } from "../../src/errors/index.js";
import { Arena } from "../../src/kernel/index.js";

const maxBytes = 4 << 20;
const arenas = [new Arena({ seed: 1, maxBytes })];
try {
  arenas.push(new Arena({ seed: 2, maxBytes }));
} catch (error) {
  const { code, hint } = isMillpondError(error) ? error : { code: String(error), hint: "" };
  process.stdout.write(`${arenas.length} ${code}: ${hint}`);
  process.exit(0);
}
process.stdout.write(`${arenas.length}`);
