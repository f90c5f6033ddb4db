import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Arena } from "../../src/kernel/index.js";
import { LogFollower, readSnapshot, type LogFormat } from "../../src/log/index.js";
import { LogCopy } from "../../src/store/log-copy.js";
import { PATH, place, scene, state, write } from "../support/following.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { at, put, told } from "../support/updates.js";
import { positionAt, V3Log } from "../support/v3-logs.js";

async function overwrite(fs: MemoryFileSystem, bytes: Uint8Array): Promise<void> {
  const handle = await fs.open(PATH, "write");
  handle.truncateSync(0);
  handle.writeSync(bytes, 0);
  await handle.close();
}

async function inFile(fs: MemoryFileSystem): Promise<string[]> {
  return told((await readSnapshot(PATH, { fs }))?.entries.values() ?? []).toSorted();
}

for (const format of [2, 3] as const satisfies readonly LogFormat[]) {
  describe(`a follower of a v${format} log`, () => {
    test("shows nothing before the first position, which its writer may still take back", async () => {
      await using scenery = await scene();
      const { fs, follower } = scenery;
      const writer = await write(fs, { format, bufferBytes: 1 });
      writer.writeUpdate(put("k1", "a", 1));
      writer.writeUpdate(put("k2", "a", 2));
      await scenery.pass();
      assert.deepEqual(state(follower), []);
      writer.discard();
      writer.writeUpdate(put("k3", "c", 3));
      writer.writeUpdate(put("k4", "d", 4));
      await writer.checkpoint(at(4));
      await scenery.pass();
      assert.deepEqual(state(follower), ["k3=c@3", "k4=d@4"]);
      await writer.close();
    });

    test("reads its file again where another log, of frames as long, was copied over it", async () => {
      const fs = new MemoryFileSystem();
      const contents: Buffer[] = [];
      for (const value of ["1", "2"]) {
        const made = new MemoryFileSystem();
        const writer = await write(made, { format });
        for (const revision of [1, 2, 3]) {
          writer.writeUpdate(put(`k${revision}`, value, revision));
          await writer.checkpoint(at(revision));
        }
        contents.push(made.content(PATH) ?? Buffer.alloc(0));
        await writer.close();
      }
      const [one = Buffer.alloc(0), two = Buffer.alloc(0)] = contents;
      if (format === 3) one.copy(two, 0, 0, 24);
      const first = new MemoryFileSystem();
      const writer = await write(first, { format });
      writer.writeUpdate(put("k1", "1", 9));
      await writer.checkpoint(at(9));
      await place(fs, first.content(PATH) ?? Buffer.alloc(0));
      await writer.close();
      await using scenery = await scene(fs);
      await scenery.pass();
      assert.deepEqual(state(scenery.follower), ["k1=1@9"]);
      await overwrite(fs, one);
      await scenery.pass();
      assert.deepEqual(state(scenery.follower), await inFile(fs));
      assert.equal(scenery.follower.size, 3);
    });

    test("goes on reading after a disk that failed for a while", async () => {
      await using scenery = await scene();
      const { fs, follower } = scenery;
      const writer = await write(fs, { format });
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1));
      await scenery.pass(2);
      fs.setHook(({ name }) =>
        name === "read" ? { error: systemError("EIO"), partialBytes: 0 } : undefined,
      );
      writer.writeUpdate(put("a", "2", 2));
      await writer.checkpoint(at(2));
      await scenery.pass(9);
      assert.equal(follower.status().state, "behind");
      fs.setHook(() => undefined);
      await scenery.pass(2);
      assert.deepEqual(state(follower), ["a=2@2"]);
      await writer.close();
    });

    test("takes all of a batch that does not fit into memory, or nothing", async () => {
      const fs = new MemoryFileSystem();
      const writer = await write(fs, { format, bufferBytes: 2 << 20 });
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1));
      let shown: LogCopy | undefined;
      const follower = new LogFollower<LogCopy>({
        fs,
        path: PATH,
        makeCopy: () => new LogCopy(new Arena({ seed: 1, maxBytes: 4 << 20 })),
        show: (copy) => {
          shown = copy;
        },
        retire: () => undefined,
      });
      await follower.look();
      writer.writeUpdate(put("a", "2", 2));
      for (let key = 0; key < 10; key += 1) {
        writer.writeUpdate(put(`big${key}`, "x".repeat(1 << 20), 2));
      }
      await writer.checkpoint(at(2));
      for (let look = 0; look < 3; look += 1) {
        const { problem } = await follower.look();
        assert.equal(problem?.code, "too-large");
        assert.deepEqual(told(shown?.entries.range("") ?? []), ["a=1@1"]);
        assert.equal(shown?.cursor.toU64(), 1n);
      }
      await follower.close();
      await writer.close();
    });
  });
}

test("a follower reads its file again where one with another salt was copied over it", async () => {
  const fs = new MemoryFileSystem();
  // The same bytes but for the salt and what follows from it.
  const [one, two] = [1, 2].map((salt) =>
    new V3Log(new Uint8Array(8).fill(salt)).batch([put("a", "x".repeat(99), 1)], positionAt(1)),
  );
  await place(fs, one?.bytes ?? Buffer.alloc(0));
  await using scenery = await scene(fs);
  await scenery.pass();
  two?.batch([put("b", "2", 2)], positionAt(2));
  await overwrite(fs, two?.bytes ?? Buffer.alloc(0));
  await scenery.pass();
  assert.deepEqual(scenery.follower.status().cursor, at(2));
  assert.equal(scenery.follower.status().problem, undefined);
});
