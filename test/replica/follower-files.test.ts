import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openFollower } from "../../src/replica/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import type { KvEntry } from "../../src/values/index.js";
import { DIRECTORY, PATH, place, scene, state, write } from "../support/following.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { at, put, told } from "../support/updates.js";
import { positionAt, V3Log } from "../support/v3-logs.js";

const NEXT = "/disk/next";

/** A log of three entries that tells which one it is, in a file that names no other. */
function file(name: number): Uint8Array {
  const updates = ["a", "b", "c"].map((key) => put(key, `${name}`, name));
  return new V3Log(new Uint8Array(8).fill(name)).batch(updates, positionAt(name)).bytes;
}

describe("a follower before there is a log", () => {
  test("waits for it, and is ready once there is one", async () => {
    await using scenery = await scene();
    const { follower, fs, events } = scenery;
    await scenery.pass();
    assert.deepEqual([follower.status().state, follower.size], ["waiting", 0]);
    assert.equal(follower.status().hasWriter, false);
    const writer = await write(fs);
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    await scenery.pass(1);
    await follower.ready();
    assert.deepEqual(state(follower), ["a=1@1"]);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["state", "ready"],
    );
    await scenery.pass(50);
    assert.equal(follower.status().hasWriter, true);
    await writer.close();
    await scenery.pass(50);
    assert.equal(follower.status().hasWriter, false);
  });

  test("takes a header in the making for no log yet", async () => {
    const fs = new MemoryFileSystem();
    const { bytes } = new V3Log().batch([put("a", "1", 1)], positionAt(1));
    await place(fs, bytes.subarray(0, 11));
    await using scenery = await scene(fs);
    await scenery.pass();
    assert.equal(scenery.follower.status().state, "waiting");
    (await fs.open(PATH, "write")).writeSync(bytes, 0);
    await scenery.pass(1);
    assert.deepEqual(state(scenery.follower), ["a=1@1"]);
    assert.equal(scenery.follower.status().problem, undefined);
  });

  test("says what is wrong with a file that is none", async () => {
    const fs = new MemoryFileSystem();
    await place(fs, Buffer.from("this is no snapshot log"));
    await using scenery = await scene(fs);
    const { state: shown, problem } = scenery.follower.status();
    assert.equal(shown, "waiting");
    assert.ok(isMillpondError(problem, "invalid-format"));
  });

  test("follows a file that is named itself", async () => {
    const fs = new MemoryFileSystem();
    const writer = await write(fs);
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    await writer.close();
    await using follower = await openFollower({ path: PATH, fs, clock: new ManualClock() });
    assert.deepEqual(state(follower), ["a=1@1"]);
  });
});

/** A compacted file whose dump would show if it were read: it does not hold what the old file did. */
function compacted(salt: Uint8Array, oldOffset: number, tail: boolean): V3Log {
  const made = new V3Log(Uint8Array.of(2, 2, 2, 2, 2, 2, 2, 2));
  const dump = new V3Log(made.salt).lineage({ oldSalt: salt, oldOffset: 0, newOffset: 0 });
  dump.batch([put("dump", "read", 1)], positionAt(1));
  made.lineage({ oldSalt: salt, oldOffset, newOffset: dump.size });
  made.batch([put("dump", "read", 1)], positionAt(1));
  if (tail) made.batch([put("b", "1", 2)], positionAt(2));
  return made.batch([put("c", "1", 3)], positionAt(3));
}

describe("a follower whose file is replaced by one", () => {
  const old = new V3Log()
    .batch([put("a", "1", 1)], positionAt(1))
    .batch([put("b", "1", 2)], positionAt(2));
  const [, first = 0, second = 0] = old.bounds;
  const other = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1);

  for (const [what, made, wanted] of [
    [
      "goes on where its place is now",
      compacted(old.salt, first, true),
      ["a=1@1", "b=1@2", "c=1@3"],
    ],
    [
      "goes on behind the dump where it had read all of the old one",
      compacted(old.salt, second, false),
      ["a=1@1", "b=1@2", "c=1@3"],
    ],
    [
      "reads it where the frames that were copied begin behind its place",
      compacted(old.salt, second + 40, false),
      ["c=1@3", "dump=read@1"],
    ],
    [
      "reads it where it names another file",
      compacted(other, first, true),
      ["b=1@2", "c=1@3", "dump=read@1"],
    ],
    [
      "reads it where no frame stands at that place",
      compacted(old.salt, first - 8, true),
      ["b=1@2", "c=1@3", "dump=read@1"],
    ],
  ] as const) {
    test(`that names it: ${what}`, async () => {
      const fs = new MemoryFileSystem();
      await place(fs, old.bytes);
      await using scenery = await scene(fs);
      assert.deepEqual(state(scenery.follower), ["a=1@1", "b=1@2"]);
      await place(fs, made.bytes);
      await scenery.pass(1);
      assert.deepEqual(state(scenery.follower), wanted);
      const { loads, jumps, wentBack } = scenery.follower.status();
      assert.deepEqual([loads, jumps, wentBack], wanted[0] === "a=1@1" ? [1, 1, 0] : [2, 0, 0]);
    });
  }
});

describe("a follower", () => {
  test("keeps what it has while there is no file, and reads the next one", async () => {
    const fs = new MemoryFileSystem();
    const log = new V3Log().batch([put("a", "1", 1)], positionAt(1));
    await place(fs, log.bytes);
    await using scenery = await scene(fs);
    const { follower } = scenery;
    await fs.remove(PATH);
    await scenery.pass();
    assert.deepEqual(state(follower), ["a=1@1"]);
    await place(
      fs,
      new V3Log(Uint8Array.from({ length: 8 }, () => 9)).batch([put("b", "1", 5)], positionAt(5))
        .bytes,
    );
    await scenery.pass(1);
    assert.deepEqual(state(follower), ["b=1@5"]);
  });

  test("finds its way whenever in a look the file is replaced", async () => {
    const old = new V3Log().batch([put("a", "1", 1)], positionAt(1));
    const next = new V3Log(Uint8Array.from({ length: 8 }, () => 9));
    next.batch([put("a", "1", 1), put("b", "1", 2)], positionAt(2));
    let last = Infinity;
    for (let step = 1; step <= last; step += 1) {
      const fs = new MemoryFileSystem();
      await place(fs, old.bytes);
      (await fs.open(NEXT, "create")).writeSync(next.bytes, 0);
      let operations = 0;
      fs.setHook(() => {
        operations += 1;
        if (operations === step) void fs.rename(NEXT, PATH);
        return undefined;
      });
      await using scenery = await scene(fs);
      const { follower } = scenery;
      assert.equal(follower.status().problem, undefined, `at operation ${step}`);
      assert.ok(["a=1@1", "a=1@1,b=1@2"].includes(state(follower).join()), `at operation ${step}`);
      await scenery.pass(2);
      // Beyond the first looks it makes no difference.
      if (last === Infinity && operations < step) last = step;
      if (operations >= step) {
        await scenery.pass(1);
        assert.deepEqual(state(follower), ["a=1@1", "b=1@2"], `at operation ${step}`);
      }
      assert.equal(follower.status().wentBack, 0);
    }
    assert.ok(last > 8, `${last} operations`);
  });

  test("reads a file again that has become shorter than what it took of it", async () => {
    const fs = new MemoryFileSystem();
    const log = new V3Log()
      .batch([put("a", "1", 1)], positionAt(1))
      .batch([put("a", "2", 2)], positionAt(2));
    await place(fs, log.bytes);
    await using scenery = await scene(fs);
    (await fs.open(PATH, "write")).truncateSync(log.bounds[1] ?? 0);
    await scenery.pass(1);
    assert.deepEqual(state(scenery.follower), ["a=1@1"]);
    assert.equal(scenery.follower.status().wentBack, 1);
  });

  test("keeps what it has where the new file does not read, and tries again", async () => {
    const fs = new MemoryFileSystem();
    await place(fs, new V3Log().batch([put("a", "1", 1)], positionAt(1)).bytes);
    await using scenery = await scene(fs);
    const { follower } = scenery;
    const next = new V3Log(Uint8Array.from({ length: 8 }, () => 9)).batch(
      [put("a", "2", 2)],
      positionAt(2),
    );
    await place(fs, next.bytes);
    fs.setHook(({ name }) =>
      name === "read" ? { error: systemError("EIO"), partialBytes: 0 } : undefined,
    );
    await scenery.follow("it says so", () => follower.status().state === "behind");
    assert.ok(isMillpondError(follower.status().problem, "io"));
    assert.deepEqual(state(follower), ["a=1@1"]);
    fs.setHook(() => undefined);
    await scenery.follow("it has read it", () => follower.status().state === "following");
    assert.deepEqual(state(follower), ["a=2@2"]);
  });

  test("goes on reading what it has while the next file is loaded", async () => {
    const fs = new MemoryFileSystem();
    await place(fs, new V3Log().batch([put("a", "1", 1)], positionAt(1)).bytes);
    await using scenery = await scene(fs);
    const { follower } = scenery;
    const next = new V3Log(Uint8Array.from({ length: 8 }, () => 9));
    for (let key = 0; key < 500; key += 1) next.batch([put(`k.${key}`, "x".repeat(1000), key + 2)]);
    next.batch([put("a", "2", 600)], positionAt(600));
    await place(fs, next.bytes);
    const seen = new Set<string>();
    fs.setHook(({ name }) => {
      const isLoading = name === "read" && follower.status().loads === 1;
      if (isLoading) seen.add(`${follower.size} ${state(follower)[0]}`);
      return undefined;
    });
    await scenery.follow("it has come", () => follower.size === 501);
    assert.deepEqual([...seen], ["1 a=1@1"]);
  });

  test("lets a walk that has begun see what was there, however often the file is replaced", async () => {
    const fs = new MemoryFileSystem();
    await place(fs, file(1));
    await using scenery = await scene(fs);
    const walks = new Map<number, Iterator<KvEntry>>();
    for (let name = 1; name <= 5; name += 1) {
      const walk = scenery.follower.entries()[Symbol.iterator]();
      assert.equal(told([walk.next().value as KvEntry])[0], `a=${name}@${name}`);
      // Some are over by then, so that memory is used again.
      if (name % 2 === 0) walk.return?.();
      else walks.set(name, walk);
      await place(fs, file(name + 1));
      await scenery.pass(1);
    }
    for (const [name, walk] of walks) {
      const rest = [walk.next().value, walk.next().value] as KvEntry[];
      assert.deepEqual(told(rest), [`b=${name}@${name}`, `c=${name}@${name}`]);
    }
    assert.equal(scenery.follower.status().loads, 6);
  });

  test("says when the log was written to last, and as of when its cursor is", async () => {
    const fs = new MemoryFileSystem();
    await using scenery = await scene(fs);
    const writer = await write(fs);
    scenery.clock.advance(5000);
    await writer.checkpoint(at(1), { cursorTimeNs: 7_000_000n });
    const written = scenery.clock.now();
    await scenery.pass(9);
    const { modifiedMs, cursorTimeMs } = scenery.follower.status();
    assert.deepEqual([modifiedMs, cursorTimeMs], [written, 7]);
    await writer.close();
  });

  test("takes no lock and changes nothing", async () => {
    const fs = new MemoryFileSystem();
    const writer = await write(fs);
    await writer.checkpoint(at(1));
    const operations = new Set<string>();
    fs.setHook(({ name }) => void operations.add(name));
    await using scenery = await scene(fs);
    await scenery.pass(10);
    assert.deepEqual(
      [...operations].toSorted(),
      ["close", "isLocked", "open", "read", "realPath", "stat"].filter((name) =>
        operations.has(name),
      ),
    );
    fs.setHook(() => undefined);
    await writer.close();
  });

  test("that is closed, or aborted, reads no more", async () => {
    const fs = new MemoryFileSystem();
    const stop = new AbortController();
    const follower = await openFollower({
      path: DIRECTORY,
      fs,
      clock: new ManualClock(),
      signal: stop.signal,
    });
    const ready = follower.ready();
    stop.abort(new Error("enough"));
    await assert.rejects(ready, (error) => isMillpondError(error, "closed"));
    await follower.close();
    assert.equal(follower.status().state, "closed");
    assert.throws(
      () => follower.get("a"),
      (error) => isMillpondError(error, "closed"),
    );
    await assert.rejects(
      openFollower({ path: DIRECTORY, fs, signal: stop.signal }),
      (error) => error === stop.signal.reason,
    );
    for (const pollMs of [0, -1, Number.NaN, Infinity]) {
      await assert.rejects(openFollower({ path: DIRECTORY, fs, pollMs }), (error) =>
        isMillpondError(error, "invalid-argument"),
      );
    }
  });
});

test("a follower whose log is removed serves what it has and says so, until there is one again", async () => {
  const fs = new MemoryFileSystem();
  await place(fs, file(1));
  await using scenery = await scene(fs);
  const { follower } = scenery;
  await fs.rename(PATH, NEXT);
  await scenery.pass(1);
  assert.deepEqual(state(follower), ["a=1@1", "b=1@1", "c=1@1"]);
  assert.equal(follower.status().state, "behind");
  assert.match(follower.status().problem?.message ?? "", /removed or moved away/);
  await place(fs, file(2));
  await scenery.pass(1);
  assert.deepEqual(state(follower), ["a=2@2", "b=2@2", "c=2@2"]);
  assert.deepEqual([follower.status().state, follower.status().problem], ["following", undefined]);
});
