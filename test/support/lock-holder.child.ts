// Takes the writer's lock of the file named on the command line, says so, and holds it until it is killed.
import { nodeFileSystem } from "../../src/platform/index.js";

const [path = "", then] = process.argv.slice(2);
await nodeFileSystem.lock(path);
process.stdout.write("held\n");
if (then !== "then-end") setInterval(() => undefined, 1000);
