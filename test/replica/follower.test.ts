import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import type { LogFormat } from "../../src/log/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { PATH, scene, state, write } from "../support/following.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { at, del, put } from "../support/updates.js";

for (const format of [2, 3] as const satisfies readonly LogFormat[]) {
  describe(`a follower of a v${format} log`, () => {
    test("reads what its writer has checkpointed, one poll later, and nothing of a batch in the making", async () => {
      const fs = new MemoryFileSystem();
      const writer = await write(fs, { format, bufferBytes: 200 });
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1));
      await using scenery = await scene(fs);
      const { follower } = scenery;
      await follower.ready();
      assert.deepEqual(state(follower), ["a=1@1"]);
      assert.deepEqual(follower.status().cursor, at(1));
      const size = writer.size;
      for (let key = 0; key < 30; key += 1) writer.writeUpdate(put(`k.${key}`, "x", key + 2));
      writer.writeUpdate(del("a", 40));
      assert.ok((fs.content(PATH)?.length ?? 0) > size, "some of it is in the file already");
      await scenery.pass();
      assert.deepEqual(state(follower), ["a=1@1"]);
      await writer.checkpoint(at(40));
      await scenery.pass(1);
      assert.equal(follower.size, 30);
      assert.equal(follower.get("a"), undefined);
      assert.deepEqual(follower.status().cursor, at(40));
      assert.deepEqual([follower.status().loads, follower.status().wentBack], [1, 0]);
      await writer.close();
    });

    test("leaves out what its writer takes back, also where as much is written in its place", async () => {
      const fs = new MemoryFileSystem();
      const writer = await write(fs, { format });
      await writer.checkpoint(at(1));
      await using scenery = await scene(fs);
      writer.writeUpdate(put("a", "taken back", 2));
      await writer.flush();
      await scenery.pass();
      const bytes = fs.content(PATH)?.length ?? 0;
      await writer.close();
      // What a crash leaves of it the next writer takes back, and another batch comes in its place.
      (await fs.open(PATH, "write")).truncateSync(bytes - 1);
      const next = await write(fs, { format });
      next.writeUpdate(put("a", "the second", 2));
      await next.flush();
      assert.equal(fs.content(PATH)?.length, bytes);
      await next.checkpoint(at(2));
      await scenery.pass(1);
      assert.deepEqual(state(scenery.follower), ["a=the second@2"]);
      await next.close();
    });

    test("goes on through compactions", async () => {
      const fs = new MemoryFileSystem();
      const writer = await write(fs, { format });
      await using scenery = await scene(fs);
      const { follower } = scenery;
      for (let round = 1; round <= 5; round += 1) {
        for (let key = 0; key < 5; key += 1) writer.writeUpdate(put(`k.${key}`, `${round}`, round));
        await writer.checkpoint(at(round));
        await scenery.pass(2);
        await writer.compact();
        await scenery.pass(2);
        assert.deepEqual(
          state(follower),
          [0, 1, 2, 3, 4].map((key) => `k.${key}=${round}@${round}`),
        );
      }
      const { loads, jumps, wentBack, state: shown } = follower.status();
      assert.deepEqual([loads, jumps], format === 3 ? [1, 5] : [6, 0]);
      assert.deepEqual([wentBack, shown], [0, "following"]);
      await writer.close();
    });

    test("does not miss what came between its last look and a compaction", async () => {
      const fs = new MemoryFileSystem();
      const writer = await write(fs, { format });
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1));
      await using scenery = await scene(fs);
      writer.writeUpdate(put("a", "2", 2));
      await writer.checkpoint(at(2));
      await writer.compact();
      writer.writeUpdate(put("b", "3", 3));
      await writer.checkpoint(at(3));
      await scenery.pass(1);
      assert.deepEqual(state(scenery.follower), ["a=2@2", "b=3@3"]);
      assert.equal(scenery.follower.status().jumps, format === 3 ? 1 : 0);
      await writer.close();
    });

    test("serves what it has while the log is damaged, and follows its writer's healing", async () => {
      const fs = new MemoryFileSystem();
      let writer = await write(fs, { format });
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1));
      await using scenery = await scene(fs);
      const { follower, events } = scenery;
      const from = fs.content(PATH)?.length ?? 0;
      for (const revision of [2, 3]) {
        writer.writeUpdate(put("a", `value ${revision}`, revision));
        await writer.checkpoint(at(revision));
      }
      await writer.close();
      const bytes = fs.content(PATH);
      assert.ok(bytes !== undefined);
      const value = bytes.indexOf("value 2", from);
      bytes[value] = (bytes[value] ?? 0) ^ 1;
      await scenery.follow("it says so", () => follower.status().state === "behind");
      assert.ok(isMillpondError(follower.status().problem, "corrupted"));
      assert.deepEqual(state(follower), ["a=1@1"]);
      writer = await write(fs, { format });
      await scenery.follow("it goes on", () => follower.status().state === "following");
      assert.deepEqual(state(follower), ["a=1@1"]);
      writer.writeUpdate(put("a", "again", 2));
      await writer.checkpoint(at(2));
      await scenery.pass(1);
      assert.deepEqual(state(follower), ["a=again@2"]);
      assert.equal(follower.status().problem, undefined);
      assert.ok(!events.some(({ type }) => type === "went-back"));
      await writer.close();
    });

    test("goes back where the log does, and tells", async () => {
      const fs = new MemoryFileSystem();
      let writer = await write(fs, { format });
      for (const revision of [1, 2, 3]) {
        writer.writeUpdate(put("a", `value ${revision}`, revision));
        await writer.checkpoint(at(revision));
      }
      await writer.close();
      await using scenery = await scene(fs);
      const { follower, events } = scenery;
      assert.deepEqual(follower.status().cursor, at(3));
      const bytes = fs.content(PATH);
      assert.ok(bytes !== undefined);
      const value = bytes.indexOf("value 2");
      bytes[value] = (bytes[value] ?? 0) ^ 1;
      await scenery.pass();
      assert.deepEqual(state(follower), ["a=value 3@3"]);
      writer = await write(fs, { format });
      await scenery.follow("it has gone back", () => follower.status().wentBack === 1);
      assert.deepEqual(state(follower), ["a=value 1@1"]);
      assert.deepEqual(
        events.find(({ type }) => type === "went-back"),
        { type: "went-back", from: at(3), to: at(1) },
      );
      await writer.checkpoint(WatchCursor.none);
      await scenery.follow("it is withdrawn", () => follower.status().wentBack === 2);
      await writer.close();
    });
  });
}
