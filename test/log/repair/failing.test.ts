import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillpondError } from "../../../src/errors/index.js";
import { SnapshotWriter } from "../../../src/log/index.js";
import { HUGE } from "../../support/log-files.js";
import { MemoryFileSystem, systemError } from "../../support/memory-file-system.js";
import { at, put } from "../../support/updates.js";

const PATH = "/disk/log.snap";

test("a log that cannot be healed stays as it is, and the error says that it is damaged", async () => {
  const fs = new MemoryFileSystem();
  await using writer = await SnapshotWriter.open(PATH, HUGE, { fs });
  for (const revision of [1, 2, 3]) {
    writer.writeUpdate(put("a", `value ${revision}`, revision));
    await writer.checkpoint(at(revision));
  }
  await writer.close();
  const content = Buffer.from(fs.content(PATH) ?? []);
  const damaged = content.indexOf("value 2");
  const handle = await fs.open(PATH, "write");
  handle.writeSync(Buffer.from("V"), damaged);
  content[damaged] = "V".charCodeAt(0);
  fs.setHook(({ name }) =>
    name === "write" || name === "writeSync"
      ? { error: systemError("ENOSPC"), partialBytes: 0 }
      : undefined,
  );
  await assert.rejects(SnapshotWriter.open(PATH, HUGE, { fs }), (error) => {
    assert.ok(isMillpondError(error, "io"));
    assert.match(error.message, /cannot heal/);
    assert.match(error.hint ?? "", /damaged at byte \d+/);
    return true;
  });
  assert.deepEqual(Buffer.from(fs.content(PATH) ?? []), content);
});
