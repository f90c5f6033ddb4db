import assert from "node:assert/strict";
import { chmod, lstat, stat, symlink } from "node:fs/promises";
import { describe, test } from "node:test";
import {
  convert,
  load,
  readSnapshot,
  SnapshotWriter,
  type LogFormat,
} from "../../src/log/index.js";
import { GatedFileSystem } from "../support/gated-file-system.js";
import { appendTo, contentsOf, HUGE, withCode } from "../support/log-files.js";
import { MemoryFileSystem, systemError, type Operation } from "../support/memory-file-system.js";
import { tempDirectory } from "../support/temp-directory.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";

/** Operations at which a compaction can be held. */
const STEPS = {
  create: ({ name, path }: Operation) => name === "open" && path !== PATH,
  dump: ({ name }: Operation) => name === "write",
  seal: ({ name }: Operation) => name === "sync",
  rename: ({ name }: Operation) => name === "rename",
  end: ({ name }: Operation) => name === "syncDirectory",
} as const;

/** Writes the one key anew, and tells whether a compaction is due. */
async function written(writer: SnapshotWriter, revision: number): Promise<boolean> {
  writer.writeUpdate(put("a", `${revision}`, revision));
  return await writer.checkpoint(at(revision));
}

/** Makes a log at {@link PATH} that is compact, of five entries of a thousand bytes. */
async function makeCompact(fs: MemoryFileSystem, format: LogFormat): Promise<void> {
  const writer = await SnapshotWriter.open(PATH, HUGE, { fs, format });
  for (const key of ["b", "\u{1F600}", "a", "\uFFEE", "c", "a"]) {
    writer.writeUpdate(put(key, "x".repeat(1000), 1));
  }
  await writer.checkpoint(at(1), { origin: "here" });
  await writer.compact();
  await writer.close();
}

/** Ways by which a log comes to be that holds nothing but a dump. */
const COMPACTED: Record<string, (fs: MemoryFileSystem, format: LogFormat) => Promise<string>> = {
  async "a compaction"(fs, format) {
    await makeCompact(fs, format);
    return PATH;
  },
  async "a load"(fs, format) {
    await makeCompact(fs, format);
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    await writer.checkpoint(at(2));
    await writer.close();
    await load(PATH, { fs });
    return PATH;
  },
  async "a conversion"(fs, format) {
    await makeCompact(fs, format === 2 ? 3 : 2);
    await convert(PATH, "/disk/made.snap", { fs, format });
    return "/disk/made.snap";
  },
  async healing(fs, format) {
    await makeCompact(fs, format);
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    const size = writer.size;
    await written(writer, 2);
    await written(writer, 3);
    await writer.close();
    const bytes = fs.content(PATH);
    assert.ok(bytes !== undefined);
    bytes[size] = 0x55;
    return PATH;
  },
};

describe("a large log that was opened anew", () => {
  for (const format of [2, 3] as const) {
    for (const [way, make] of Object.entries(COMPACTED)) {
      test(`of format ${format}, compact by ${way}, is due only when as much was written`, async () => {
        const fs = new MemoryFileSystem();
        const path = await make(fs, format);
        const writer = await SnapshotWriter.open(path, 1000, { fs });
        // Of a damaged one the tail may be withdrawn, by a frame of a few bytes.
        const compacted = writer.size;
        assert.ok(compacted > 5000 && compacted < 5300, `${compacted} bytes`);
        for (let revision = 4; ; revision += 1) {
          const isDue = await written(writer, revision);
          const since = writer.size - compacted;
          if (isDue) assert.ok(since > 0.99 * compacted, `due after ${since} bytes`);
          else assert.ok(since < 1.01 * compacted, `not due after ${since} bytes`);
          if (isDue) break;
        }
        await writer.close();
      });
    }
  }
});

describe("a compaction", () => {
  test("is due when more than the threshold was written since the dump that the log begins with, before an opening too", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    const first = await SnapshotWriter.open(path, HUGE);
    const header = first.size;
    // One put and a position are what a dump of one entry is.
    assert.equal(await written(first, 1), false);
    const frame = first.size - header;
    assert.equal(await written(first, 2), false);
    await first.close();
    const second = await SnapshotWriter.open(path, 3 * frame - 1);
    assert.equal(await written(second, 3), false);
    assert.equal(await written(second, 4), true);
    await second.compact();
    assert.equal(await written(second, 5), false);
    await second.close();
  });

  test("is due again only when more was written than the threshold and than the last one left", async () => {
    const fs = new MemoryFileSystem();
    const threshold = 1000;
    for (const [live, least] of [
      [5000, 5000],
      [100, threshold],
    ] as const) {
      const path = `/disk/${live}.snap`;
      const writer = await SnapshotWriter.open(path, threshold, { fs });
      writer.writeUpdate(put("large", "x".repeat(live), 1));
      assert.equal(await writer.checkpoint(at(1)), live > threshold);
      await writer.compact();
      const compacted = writer.size;
      assert.ok(compacted > live && compacted < live + 150);
      let revision = 1;
      for (;;) {
        revision += 1;
        writer.writeUpdate(put("a", "1", revision));
        const due = await writer.checkpoint(at(revision));
        const wanted = writer.size - compacted > Math.max(threshold, compacted);
        assert.equal(due, wanted, `at ${writer.size} bytes`);
        if (due) break;
      }
      assert.ok(writer.size - compacted > least);
      await writer.close();
    }
  });

  test("that failed is due again only when another threshold was written", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, 100, { fs });
    writer.writeUpdate(put("a", "x".repeat(200), 1));
    assert.equal(await writer.checkpoint(at(1)), true);
    fs.setHook(({ name }) =>
      name === "rename" ? { error: systemError("ENOSPC"), partialBytes: 0 } : undefined,
    );
    await assert.rejects(writer.compact(), withCode("io"));
    const failedAt = writer.size;
    let revision = 1;
    for (;;) {
      revision += 1;
      const due = await writer.checkpoint(at(revision));
      assert.equal(due, writer.size - failedAt > 100, `at ${writer.size} bytes`);
      if (due) break;
    }
    await writer.close();
  });

  test("does not let a discard that is made meanwhile take back what it has flushed", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    writer.writeUpdate(put("a", "1", 1));
    const compacting = writer.compact();
    writer.writeUpdate(put("b", "2", 2));
    writer.discard();
    await compacting;
    await writer.close();
    const snapshot = await readSnapshot(PATH, { fs });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1"]);
  });

  test("keeps what no checkpoint covers yet, and the writer appends to the new file", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    const writer = await SnapshotWriter.open(path, HUGE);
    for (let revision = 1; revision <= 10; revision += 1) {
      writer.writeUpdate(put("a", `${revision}`, revision));
      await writer.checkpoint(at(revision));
    }
    writer.writeUpdate(put("b", "11", 11));
    const before = writer.size;
    await writer.compact();
    assert.ok(writer.size < before);
    assert.deepEqual(await contentsOf(path), ["a=10@10", "b=11@11"]);
    writer.writeUpdate(put("c", "12", 12));
    await writer.checkpoint(at(12));
    await writer.close();
    assert.deepEqual(await contentsOf(path), ["a=10@10", "b=11@11", "c=12@12"]);
  });

  test("keeps the mode, whatever the umask, and a symbolic link", async () => {
    await using directory = await tempDirectory();
    const target = directory.file("target.snap");
    const link = directory.file("link.snap");
    await appendTo(target, ["a", "1", 1], ["a", "2", 2]);
    await chmod(target, 0o666);
    await symlink("target.snap", link);
    const writer = await SnapshotWriter.open(link, HUGE);
    await writer.compact();
    await writer.close();
    assert.ok((await lstat(link)).isSymbolicLink());
    assert.equal((await stat(target)).mode & 0o777, 0o666);
    assert.deepEqual(await contentsOf(target), ["a=2@2"]);
  });

  test("by another user keeps the owner, and where it may not goes on without", async () => {
    const fs = new MemoryFileSystem();
    const owner = { user: 1000, group: 100 };
    fs.user = owner;
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    fs.user = { user: 0, group: 0 };
    await writer.compact();
    assert.deepEqual((await fs.stat(PATH))?.owner, owner);
    fs.setHook(({ name }) =>
      name === "setOwner" ? { error: systemError("EPERM"), partialBytes: 0 } : undefined,
    );
    await writer.compact();
    assert.deepEqual((await fs.stat(PATH))?.owner, { user: 0, group: 0 });
    await writer.close();
  });

  test("works for a name without a directory", async () => {
    await using directory = await tempDirectory();
    const back = process.cwd();
    process.chdir(directory.path);
    try {
      const writer = await SnapshotWriter.open("x.snap", HUGE);
      writer.writeUpdate(put("a", "1", 1));
      await writer.compact();
      writer.writeUpdate(put("b", "2", 2));
      await writer.close();
      assert.deepEqual(await contentsOf("x.snap"), ["a=1@1", "b=2@2"]);
    } finally {
      process.chdir(back);
    }
  });

  test("syncs the new file, renames it, then syncs the directory", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    const steps: string[] = [];
    fs.setHook(({ name, path }) => {
      if (/^(?:sync|rename)/.test(name)) steps.push(`${name} ${path.replace(/\d+/, "N")}`);
      return undefined;
    });
    await writer.compact();
    assert.deepEqual(steps, [
      // The dump, and then what came meanwhile.
      `sync ${PATH}.compact-N.tmp`,
      `sync ${PATH}.compact-N.tmp`,
      `rename ${PATH}.compact-N.tmp`,
      "syncDirectory /disk",
    ]);
    await writer.close();
  });

  for (const step of ["create", "dump", "seal", "rename", "end"] as const) {
    test(`takes updates, checkpoints and a discard that come meanwhile (${step}), and waits with another one`, async () => {
      const fs = new GatedFileSystem();
      const writer = await SnapshotWriter.open(PATH, HUGE, { fs, bufferBytes: 60 });
      writer.writeUpdate(put("a", "1", 1));
      const reached = fs.hold(STEPS[step]);
      const compacting = Promise.all([writer.compact(), writer.compact()]);
      await reached;
      writer.writeUpdate(put("b", "2", 2));
      await writer.checkpoint(at(2));
      for (let revision = 3; revision < 7; revision += 1) {
        writer.writeUpdate(put("c", "taken back", revision));
      }
      writer.discard();
      writer.writeUpdate(put("d", "7", 7));
      await writer.checkpoint(at(7));
      const during = await readSnapshot(PATH, { fs });
      assert.deepEqual(told(during?.entries.values() ?? []), ["a=1@1", "b=2@2", "d=7@7"]);
      fs.release();
      await compacting;
      writer.writeUpdate(put("e", "8", 8));
      await writer.checkpoint(at(8));
      await writer.close();
      const snapshot = await readSnapshot(PATH, { fs });
      assert.deepEqual(told(snapshot?.entries.values() ?? []), [
        "a=1@1",
        "b=2@2",
        "d=7@7",
        "e=8@8",
      ]);
      assert.equal(snapshot?.cursor.toU64(), 8n);
      assert.deepEqual(fs.names, [PATH]);
    });
  }

  test("is given up by close, which leaves the log as it was with all that was written", async () => {
    const fs = new GatedFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    const reached = fs.hold(STEPS.seal);
    const before = [writer.compact(), writer.compact()];
    for (const call of before) void call.catch(() => undefined);
    await reached;
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    writer.writeUpdate(put("b", "2", 2));
    const closing = writer.close();
    assert.throws(() => writer.writeUpdate(put("c", "3", 3)), withCode("closed"));
    assert.throws(() => writer.discard(), withCode("closed"));
    const after = [writer.checkpoint(at(3)), writer.compact(), writer.rewrite([], at(3))];
    fs.release();
    for (const call of [...before, ...after]) await assert.rejects(call, withCode("closed"));
    await closing;
    const snapshot = await readSnapshot(PATH, { fs });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1", "b=2@2"]);
    assert.equal(snapshot?.cursor.toU64(), 1n);
    assert.deepEqual(fs.names, [PATH]);
  });

  test("refuses to drop acknowledged records that have gone bad at the end of the file", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    const bytes = fs.content(PATH);
    assert.ok(bytes !== undefined);
    bytes[bytes.length - 1] = 0x55;
    const before = Buffer.from(bytes);
    await assert.rejects(writer.compact(), withCode("corrupted"));
    assert.deepEqual(fs.content(PATH), before);
    await writer.close();
  });
});
