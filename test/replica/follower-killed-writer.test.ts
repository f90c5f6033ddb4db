import assert from "node:assert/strict";
import { test } from "node:test";
import { readSnapshot } from "../../src/log/index.js";
import { PATH, scene, write } from "../support/following.js";
import { Gate } from "../support/gate.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { at, put } from "../support/updates.js";

/** Renames as always, and says so only once it is let. */
class LateToSay extends MemoryFileSystem {
  readonly renaming = new Gate();
  readonly #saying = new Gate();

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    this.renaming.open();
    await this.#saying.pass();
  }

  allow(): void {
    this.#saying.open();
  }
}

for (const format of [2, 3] as const) {
  test(`a follower of a v${format} log shows nothing that its writer, killed between two writes while a rename is under way, did not get into the new file`, async () => {
    const fs = new LateToSay();
    const writer = await write(fs, { format });
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    await using scenery = await scene(fs);
    await scenery.follower.ready();
    const compacting = writer.compact();
    await fs.renaming.pass();
    let writes = 0;
    const shown: (bigint | undefined)[] = [];
    fs.setHook(({ name }) => {
      shown.push(scenery.follower.status().cursor.toU64());
      if (name === "writeSync") writes += 1;
      const isDead = writes > 1 && ["writeSync", "truncateSync"].includes(name);
      return isDead ? { error: systemError("EIO"), partialBytes: 0 } : undefined;
    });
    writer.writeUpdate(put("a", "2", 2));
    await assert.rejects(writer.checkpoint(at(2)));
    assert.ok(writes > 1);
    await scenery.pass();
    const cursor = scenery.follower.status().cursor.toU64() ?? 0n;
    assert.equal(cursor, (await readSnapshot(PATH, { fs }))?.cursor.toU64());
    assert.deepEqual(
      shown.filter((each = 0n) => each > cursor),
      [],
    );
    fs.allow();
    await compacting.catch(() => undefined);
    await writer.close();
  });
}
