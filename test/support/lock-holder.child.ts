// Takes the writer's lock of the file named on the command line, says so, and holds it until it is killed. Says the error's
// code and ends where the lock is not to be had.
import { isMillpondError } from "../../src/errors/index.js";
import { nodeFileSystem } from "../../src/platform/index.js";

const [path = "", then] = process.argv.slice(2);
try {
  await nodeFileSystem.lock(path);
  process.stdout.write("held\n");
  if (then !== "then-end") setInterval(() => undefined, 1000);
} catch (error) {
  if (!isMillpondError(error)) throw error;
  process.stdout.write(`${error.code}\n`);
}
