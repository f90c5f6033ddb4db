import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codecOf } from "../../src/log/codecs.js";
import { readSnapshot } from "../../src/log/index.js";
import { LogFile } from "../../src/log/log-file.js";
import { TailMirror } from "../../src/log/compact/tail-mirror.js";
import type { FileHandle } from "../../src/platform/index.js";
import { withCode } from "../support/log-files.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { at, put, told } from "../support/updates.js";

const OLD = "/disk/log.snap";
const NEW = "/disk/log.snap.tmp";

/** An empty log of format 3 for each name, and a mirror between them. `change` gets what is read of the old one. */
async function mirrored(fs: MemoryFileSystem, change: (bytes: Uint8Array) => void) {
  const codec = codecOf(3);
  const emptyLog = async (path: string, mark: number): Promise<LogFile> => {
    const handle = await fs.open(path, "create-new");
    const salt = new Uint8Array(8).fill(mark);
    handle.writeSync(codec.header(salt), 0);
    const read: FileHandle["read"] = async (target, position) => {
      const filled = await handle.read(target, position);
      change(target);
      return filled;
    };
    return new LogFile(path, { handle: { ...handle, read }, codec, salt, size: codec.headerBytes });
  };
  const from = await emptyLog(OLD, 1);
  const to = await emptyLog(NEW, 2);
  const mirror = new TailMirror(OLD, from, from.end, to, new AbortController().signal);
  const append = (revision: number): void => {
    const batch = codec.encoder();
    batch.add(put(`k${revision}`, "v", revision));
    batch.end({ cursor: at(revision), cursorTimeNs: 0n, origin: undefined });
    const frame = Buffer.from(batch.stamp(from.at(from.end)));
    mirror.appending(frame);
    from.append(frame);
  };
  const acknowledge = (): void => {
    from.acknowledge();
    mirror.acknowledged();
  };
  const discard = (): void => {
    from.discard();
    mirror.discarded();
  };
  return { mirror, append, acknowledge, discard };
}

/** Changes `bytes` so that no frame starts there. */
function spoil(bytes: Uint8Array): void {
  bytes.fill(0, 0, 1);
}

describe("the tail that is carried to a new file", () => {
  test("leaves out no acknowledged frame that it cannot read while a batch is discarded", async () => {
    const fs = new MemoryFileSystem();
    let reads = 0;
    const log = await mirrored(fs, (bytes) => {
      reads += 1;
      if (reads === 1) {
        // For the last round to copy.
        log.append(2);
        log.acknowledge();
      } else if (reads === 2) {
        log.append(3);
        log.discard();
        spoil(bytes);
      }
    });
    log.append(1);
    log.acknowledge();
    await assert.rejects(log.mirror.catchUp(), withCode("corrupted"));
    assert.equal(reads, 2);
  });

  test("is copied once more where what it read beyond that was discarded just then", async () => {
    const fs = new MemoryFileSystem();
    let reads = 0;
    const log = await mirrored(fs, (bytes) => {
      reads += 1;
      if (reads !== 2) return;
      log.discard();
      spoil(bytes);
    });
    log.append(1);
    log.acknowledge();
    log.append(2);
    await log.mirror.catchUp();
    log.append(3);
    log.acknowledge();
    const made = await readSnapshot(NEW, { fs });
    assert.deepEqual(told(made?.entries.values() ?? []), ["k1=v@1", "k3=v@3"]);
    assert.ok(log.mirror.isDirect);
  });
});
