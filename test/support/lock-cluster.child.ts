// Two workers of one cluster, which share what they listen on unless told otherwise, take the lock of the file named on the
// command line. Says what each found, sorted, once both have, and ends them.
import cluster from "node:cluster";
import { once } from "node:events";
import { nodeFileSystem } from "../../src/platform/index.js";
import { codeOf } from "./code-of.js";

const [path = ""] = process.argv.slice(2);
if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  const found = await Promise.all(
    workers.map(async (worker) => String((await once(worker, "message"))[0])),
  );
  process.stdout.write(`${found.toSorted().join(" ")}\n`);
  for (const worker of workers) worker.kill("SIGKILL");
} else {
  setInterval(() => undefined, 1000);
  try {
    await nodeFileSystem.lock(path);
    process.send?.("held");
  } catch (error) {
    process.send?.(codeOf(error));
  }
}
