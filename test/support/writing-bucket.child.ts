// Writes to the bucket "b" in the folder given until it is killed; prints the sequence of each write that was acknowledged.
import { writeSync } from "node:fs";
import { openInProcess } from "../../src/in-process/index.js";

const [folder = ""] = process.argv.slice(2);
const connection = await openInProcess({ folder });
const bucket = await connection.createBucket("b", { history: 2 });
for (let index = 0; ; index += 1) {
  const key = `k.${index % 50}`;
  const version =
    index % 10 === 9
      ? await bucket.delete(key)
      : await bucket.put(key, new TextEncoder().encode(`value ${index}`.repeat(index % 40)));
  writeSync(1, `${version.toU64()}\n`);
}
