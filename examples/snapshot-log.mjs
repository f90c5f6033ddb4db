// The snapshot log on its own: append updates, checkpoint a cursor, compact, load.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, SnapshotWriter, VersionToken, WatchCursor } from "millpond";

const folder = await mkdtemp(join(tmpdir(), "millpond-example-"));
const path = join(folder, "routes.snap");

const writer = await SnapshotWriter.open(path, 4096); // compaction is due after 4 KiB
for (let revision = 1; revision <= 100; revision += 1) {
  writer.writeUpdate({
    kind: "put",
    key: `route.${revision % 10}`,
    value: Buffer.from(`target ${revision}`),
    version: VersionToken.fromU64(revision),
  });
  const compactionDue = await writer.checkpoint(WatchCursor.fromU64(revision));
  if (compactionDue) await writer.compact();
}
await writer.close();

const snapshot = await load(path);
console.log(`${snapshot.entries.size} entries at cursor ${snapshot.cursor.toU64()}`);
assert.equal(snapshot.entries.size, 10);
assert.equal(snapshot.cursor.toU64(), 100n);
await rm(folder, { recursive: true });
