import { CorruptedError } from "../../errors/index.js";
import { Arena } from "../../kernel/index.js";
import type { FileHandle, Random } from "../../platform/index.js";
import type { KvUpdate, LogPosition } from "../../values/index.js";
import { writeDump, type DumpTarget, type RecordSlice } from "./dump.js";
import { NO_POSITION } from "../fold.js";
import { io } from "../io-errors.js";
import { scanLog } from "../scan-log.js";
import { settleInTurns } from "../settle-in-turns.js";
import type { LogVisitor } from "../visitor.js";

/** About a frame's worth: see the dump. */
const SLICE_BYTES = 255 * 1024;
const SEEDS = 2 ** 32;

/**
 * Reads the beginning of a log, up to `end`, and writes what it adds up to into `target`; returns where that ends. Needs
 * memory for the live entries, about 30 bytes each beside their keys and values. Throws `corrupted` for damage, and
 * `too-large` where the live entries exceed 4 GiB.
 */
export async function foldPrefix(
  source: FileHandle,
  path: string,
  end: number,
  target: DumpTarget,
  random: Random,
): Promise<number> {
  const fold = new ArenaFold(Math.floor(random() * SEEDS));
  const prefix = prefixOf(source, end, target.signal);
  const { goodBytes } = await io(path, "read", () => scanLog(prefix, path, fold));
  if (goodBytes !== end) {
    // All up to there was written whole: what looks like a torn tail is damage.
    throw new CorruptedError(path, goodBytes, "what was written there is gone");
  }
  await settleInTurns(fold.arena);
  return await writeDump(target, { live: fold.live(), position: fold.lastPosition });
}

/** What a log adds up to, in a block of memory of its own. */
class ArenaFold implements LogVisitor {
  readonly arena: Arena;
  #position: LogPosition | undefined;

  constructor(seed: number) {
    this.arena = new Arena({ seed });
  }

  get lastPosition(): LogPosition {
    return this.arena.position() ?? this.#position ?? NO_POSITION;
  }

  update(update: KvUpdate): void {
    this.arena.apply(update);
  }

  position(position: LogPosition): void {
    this.#position = position;
  }

  batch(body: Uint8Array): void {
    this.arena.stage(body);
    this.arena.commit();
  }

  walk(bytes: Uint8Array, offset: number, salt: Uint8Array): number {
    return this.arena.walk(bytes, offset, salt);
  }

  *live(): Generator<RecordSlice> {
    const dump = this.arena.dump();
    for (;;) {
      const slice = dump.next(SLICE_BYTES);
      if (slice === undefined) return;
      yield slice;
    }
  }
}

/** The file as if it ended there. */
function prefixOf(handle: FileHandle, end: number, signal: AbortSignal): FileHandle {
  return {
    async read(target, position) {
      signal.throwIfAborted();
      const wanted = Math.max(0, Math.min(target.length, end - position));
      return await handle.read(target.subarray(0, wanted), position);
    },
    stat: async () => ({ ...(await handle.stat()), size: end }),
    statSync: () => ({ ...handle.statSync(), size: end }),
    writeSync: (bytes, position) => handle.writeSync(bytes, position),
    write: (bytes, position) => handle.write(bytes, position),
    truncateSync: (length) => handle.truncateSync(length),
    setPermissions: (permissions) => handle.setPermissions(permissions),
    setOwner: (owner) => handle.setOwner(owner),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
