import { dirname } from "node:path";
import { CorruptedError } from "../../errors/index.js";
import type { FileHandle, FileSystem } from "../../platform/index.js";
import type { LogCodec } from "../codec.js";
import { codecOf } from "../codecs.js";
import { TemporaryLog } from "../compact/index.js";
import { scanLog } from "../scan-log.js";
import { type LogVisitor, NOBODY } from "../visitor.js";
import { assess, type Assessment, type DamageError } from "./assess.js";
import type { LogRepair } from "./report.js";
import { keepNewest, setAside } from "./set-aside.js";

/** A log that is open for writing, under its lock, and does not read. */
export interface DamagedLog {
  readonly fs: FileSystem;
  /** Resolved. */
  readonly target: string;
  /** As the caller named it. */
  readonly path: string;
  readonly handle: FileHandle;
  /** What reading it threw, after all that comes before the damage was handed to `visitor`. */
  readonly error: DamageError;
  readonly visitor: LogVisitor;
}

export interface HealingTerms {
  readonly nowMs: number;
  readonly keepCorrupt: number;
  /** For the new file. */
  readonly salt: Uint8Array;
}

/** The log that has taken its place. */
export interface HealedLog {
  readonly handle: FileHandle;
  readonly size: number;
  /** Where the dump ends that it begins with; the header where there is none. */
  readonly compactBytes: number;
  readonly codec: LogCodec;
  readonly salt: Uint8Array;
  readonly repair: LogRepair;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Sets a damaged log aside and puts one in its place that holds what is good before the damage, all of which the visitor has
 * been handed then. `undefined` where the file must be left alone: none of ours, or not damaged. The damaged handle is closed.
 *
 * A crash at any point leaves the damaged file in its place, or the good one in its place and the damaged one aside: the
 * new file is written and synced under another name, the damaged one is given its second name, and then the new one is
 * renamed over the first name, with the directory synced after each step.
 */
export async function heal(log: DamagedLog, terms: HealingTerms): Promise<HealedLog | undefined> {
  const { fs, target, path, handle, error, visitor } = log;
  const found = await assess(path, handle, error, visitor);
  if (found === undefined) return undefined;
  const { salt } = terms;
  const temporary = await TemporaryLog.create(fs, target, (await handle.stat()).fileId);
  try {
    const size = await writeGood(handle, temporary.handle, path, found, salt);
    await requireSound(temporary.handle, path, size);
    await temporary.seal();
    const aside = await setAside(fs, target, handle, terms.nowMs);
    await fs.syncDirectory(dirname(target));
    await temporary.takePlace();
    await fs.syncDirectory(dirname(target));
    await keepNewest(fs, target, terms.keepCorrupt);
    await handle.close().catch(() => undefined);
    const repair = { ...found.report, setAside: aside };
    const codec = codecOf(repair.format);
    const compactBytes = codec.headerBytes + found.dumpBytes;
    return { handle: temporary.handle, size, compactBytes, codec, salt, repair };
  } catch (cause) {
    await temporary.remove();
    throw cause;
  }
}

/** What is copied is read once more than it was checked, and may have rotted in between. */
async function requireSound(handle: FileHandle, path: string, size: number): Promise<void> {
  const { goodBytes } = await scanLog(handle, path, NOBODY);
  if (goodBytes < size) throw new CorruptedError(path, goodBytes, "it was whole a moment ago");
}

/** Returns the size of the new log. Its lineage is left out: it is another file to whoever follows the damaged one. */
async function writeGood(
  source: FileHandle,
  target: FileHandle,
  path: string,
  { salvage, withdrawn }: Assessment,
  salt: Uint8Array,
): Promise<number> {
  const codec = codecOf(salvage.format);
  const header = codec.header(salt);
  await target.write(header, 0);
  const from = { offset: salvage.from, salt: salvage.salt };
  const copy = codec.tailCopy(path, from, { offset: header.length, salt });
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let end = header.length;
  let held = 0;
  for (let read = salvage.from; read < salvage.to;) {
    const wanted = Math.min(chunk.length - held, salvage.to - read);
    const filled = await source.read(chunk.subarray(held, held + wanted), read);
    read = filled === 0 ? salvage.to : read + filled;
    const taken = copy.take(chunk.subarray(0, held + filled));
    await target.write(chunk.subarray(0, taken), end);
    end += taken;
    chunk.copyWithin(0, taken, held + filled);
    held += filled - taken;
  }
  if (withdrawn === undefined) return end;
  const batch = codec.encoder();
  batch.end({ ...withdrawn, origin: undefined });
  const frame = batch.stamp({ offset: end, salt });
  await target.write(frame, end);
  return end + frame.length;
}
