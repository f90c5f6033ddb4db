import type { Fault } from "../fault.js";
import { compacts, losesPower, tries } from "../needs.js";

/** Of the log: what it writes, syncs and renames, and what it makes of a damaged one. */
export const logFaults: readonly Fault[] = [
  {
    id: "sync-not-awaited",
    wrong: "acknowledges a batch before the disk has it, although a power loss is not to take it",
    invariant: 2,
    needs: losesPower,
    edits: [
      {
        file: "log/log-appender.js",
        find: `if (this.#durability === "power") await this.#syncs.wait(); await this.#checkPlaceNowAndThen();`,
        replace: `await this.#checkPlaceNowAndThen();`,
      },
    ],
  },
  {
    id: "sync-serves-latecomers",
    wrong: "lets a sync that is under way serve a write that came after it had begun",
    invariant: 2,
    edits: [
      {
        file: "log/group-sync.js",
        find: `return this.#start(); this.#next ??= this.#running.then(`,
        replace: `return this.#start(); return this.#running; this.#next ??= this.#running.then(`,
      },
    ],
    // The store waits for one sync at a time: only the log's own users have two wait at once.
    test: {
      file: "log/durability.test.js",
      name: "serves those that came before it began, and one more serves all that came since",
    },
  },
  {
    id: "failed-sync-forgotten",
    wrong: "goes on with a file of which a sync has failed",
    invariant: 2,
    edits: [
      {
        file: "log/log-appender.js",
        find: `throw this.#poisonBySync(syncFailed(this.path, own.reason));`,
        replace: `throw syncFailed(this.path, own.reason);`,
      },
    ],
    // What the sync did not make safe is cut off, and the store writes it again: only the log's own users would miss it.
    test: {
      file: "log/durability.test.js",
      name: "a sync that fails is not tried again: nothing more is written until the log is rewritten",
    },
  },
  {
    id: "no-sync-before-rename",
    wrong: "puts a compacted file in place without a sync of it",
    invariant: 2,
    needs: (config) => compacts(config) && config.weights.power > 0,
    edits: [
      {
        file: "log/compact/compaction.js",
        find: `await handle.sync(); const file = new LogFile(`,
        replace: `const file = new LogFile(`,
      },
      {
        file: "log/compact/compact-file.js",
        find: `await this.handle.sync(); await requireInPlace(`,
        replace: `await requireInPlace(`,
      },
    ],
  },
  {
    id: "no-directory-sync",
    wrong: "does not sync the directory after a compacted file has taken its place",
    invariant: 2,
    needs: (config) => losesPower(config) && compacts(config),
    edits: [
      {
        file: "log/log-appender.js",
        find: `await this.#fs.syncDirectory(dirname(this.#target));`,
        replace: ``,
      },
    ],
  },
  {
    id: "tail-not-carried",
    wrong: "compacts without what was appended meanwhile",
    invariant: 2,
    needs: compacts,
    edits: [
      {
        file: "log/compact/compaction.js",
        find: `if (tailStart !== undefined) {`,
        replace: `if (tailStart === -1) {`,
      },
    ],
  },
  {
    id: "twin-not-written",
    wrong: "writes to the old file only while the new one takes its place",
    invariant: 2,
    needs: compacts,
    edits: [
      {
        file: "log/compact/tail-mirror.js",
        find: `if (this.#isDirect) this.#appendTaken(Buffer.from(frame));`,
        replace: `if (this.#isDirect) return;`,
      },
    ],
  },
  {
    id: "last-round-drops-queue",
    wrong: "forgets the frames that came during the last round of a compaction",
    invariant: 2,
    needs: compacts,
    edits: [
      {
        file: "log/compact/tail-mirror.js",
        find: `for (const frame of queue) {`,
        replace: `for (const frame of []) {`,
      },
    ],
  },
  {
    id: "torn-end-kept",
    wrong: "leaves a torn end in the file and writes over its beginning",
    invariant: 5,
    edits: [
      {
        file: "log/open-log.js",
        find: `if (tornBytes > 0) handle.truncateSync(goodBytes);`,
        replace: ``,
      },
    ],
    // What is left of it is never taken for a frame: a frame holds at one place in one file. Only what is added to it tells that it was left.
    test: {
      file: "log/open-for-writing.test.js",
      name: "cuts a torn tail off before the first append",
    },
  },
  {
    id: "failed-write-not-taken-back",
    wrong: "leaves half a frame behind where a write failed",
    invariant: 2,
    edits: [
      {
        file: "log/log-file.js",
        find: `this.#cutBackTo(this.#end, cause);`,
        replace: ``,
      },
    ],
    // The store gives the same again, and more, which covers what was left.
    test: {
      file: "log/snapshot-writer.test.js",
      name: "half-way is taken back from the file, and the same call succeeds later",
    },
  },
  {
    id: "damage-taken-for-torn-end",
    wrong: "cuts a log off at damage that good frames follow, and tells nobody",
    invariant: 5,
    needs: tries("rotting log"),
    edits: [
      {
        file: "log/v3/walker.js",
        find: `await requireTornTail(handle, this.#path, size, offset, this.#salt);`,
        replace: ``,
      },
      {
        file: "log/v2/walker.js",
        find: `await requireTornTail(handle, this.#path, size, damage);`,
        replace: ``,
      },
    ],
  },
  {
    id: "checksum-not-checked",
    wrong: "takes a frame whose checksum does not hold",
    invariant: 5,
    needs: tries("rotting log"),
    edits: [
      {
        file: "log/v3/head.js",
        find: `return crc32(bytes, start, start + bodyBytesOf(bytes, at)) === readU32(bytes, at + 8);`,
        replace: `return start >= 0;`,
      },
    ],
  },
  {
    id: "damaged-frame-skipped",
    wrong: "reads on behind a frame whose checksum does not hold",
    invariant: 5,
    needs: tries("rotting log"),
    edits: [
      {
        file: "log/v3/walker.js",
        find: `if (!bodyHolds(chunk, head)) return undefined;`,
        replace: `if (!bodyHolds(chunk, head)) { this.at = head + HEAD_BYTES + bodyBytes; continue; }`,
      },
    ],
  },
  {
    id: "salvage-keeps-position",
    wrong: "relies on the position before damage also where what is lost may have withdrawn it",
    invariant: 3,
    edits: [
      {
        file: "log/repair/lost-part.js",
        find: `if (damage >= size) return false;`,
        replace: `return false;`,
      },
    ],
    // What a position was withdrawn for refuses it once more at the next start, as far as a simulation has cause for that.
    test: {
      file: "log/repair/quarantine.test.js",
      name: "keeps no position where the damage may hide that it was withdrawn",
    },
  },
  {
    id: "salvage-not-compared",
    wrong: "goes on with what was read of a damaged log although healing could keep less of it",
    invariant: 5,
    edits: [
      {
        file: "log/repair/assess.js",
        find: `if (wasHandedOut && to < offset) {`,
        replace: `if (false) {`,
      },
    ],
    // A disk has to rot between two reads of one healing: the simulator did so once in a thousand long seeds.
    test: {
      file: "store/rot-while-healing.test.js",
      name: "never has less than what its store shows, or is not opened",
    },
  },
  {
    id: "name-not-synced",
    wrong: "says of a sync that all is safe, although the file's name is not",
    invariant: 2,
    edits: [
      {
        file: "log/log-appender.js",
        find: `await this.#name.ensure();`,
        replace: ``,
      },
    ],
    // Without durability power, and with it a compaction waits for the same by itself.
    test: {
      file: "store/poisoned-sync.test.js",
      name: "a sync that is asked for makes safe what a process before this one failed to sync and still shows",
    },
  },
  {
    id: "lock-not-checked",
    wrong: "opens a log for writing that another process writes",
    invariant: 6,
    needs: ({ weights }) => weights.process > 0,
    edits: [
      {
        file: "log/open-log.js",
        find: `() => fs.lock(target)`,
        replace: `() => fs.lock(target).catch(() => ({ release: async () => undefined }))`,
      },
    ],
  },
  {
    id: "follower-passes-half-batch",
    wrong: "has a follower go on behind the part of a batch that has no position yet",
    invariant: 6,
    edits: [
      {
        file: "log/follow/followed-file.js",
        find: `this.#offset = scan.result.lastPosition ?? this.#offset;`,
        replace: `this.#offset = scan.result.goodBytes;`,
      },
    ],
    // The store writes a batch at once: half of one is there only where it can be taken back no more, and then the file is replaced.
    test: {
      file: "replica/follower.test.js",
      name: "reads what its writer has checkpointed, one poll later, and nothing of a batch in the making",
    },
  },
  {
    id: "follower-jumps-blindly",
    wrong: "has a follower go over to a compacted file as if it came from the one that it knows",
    invariant: 6,
    needs: (config) => config.followers > 0 && compacts(config),
    edits: [
      {
        file: "log/follow/jump.js",
        find: `if (lineage === undefined || offset < lineage.oldOffset)`,
        replace: `if (lineage !== undefined) return lineage.newOffset + Math.max(0, offset - lineage.oldOffset); if (lineage === undefined)`,
      },
    ],
  },
];
