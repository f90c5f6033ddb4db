import { CorruptedError, InvalidFormatError } from "../../errors/index.js";
import type { FileHandle } from "../../platform/index.js";
import type { KvUpdate, LogPosition } from "../../values/index.js";
import { codecOf } from "../codecs.js";
import { DumpExtent } from "../dump-extent.js";
import { NO_POSITION } from "../fold.js";
import { LogScan } from "../scan-log.js";
import type { LogVisitor } from "../visitor.js";
import { mayHaveWithdrawn } from "./lost-part.js";
import type { LogRepair } from "./report.js";
import { findSalvage, type Salvage } from "./salvage.js";

export type DamageError = CorruptedError | InvalidFormatError;

export function isDamage(error: unknown): error is DamageError {
  return error instanceof CorruptedError || error instanceof InvalidFormatError;
}

/** What of a damaged log is good. */
export interface Assessment {
  /** Its frames up to `to` are good, each of them. */
  readonly salvage: Salvage;
  /** What comes after that where the position in force there must not be relied on: none, with the origin that it had. */
  readonly withdrawn: LogPosition | undefined;
  /** How much of it, from its first frame on, is a dump: in bytes. */
  readonly dumpBytes: number;
  /** As after the repair, with nothing set aside yet. */
  readonly report: LogRepair;
}

/**
 * Looks at a log whose reading threw `error`, after all that comes before the damage was handed to `visitor`; what is found
 * to be good beyond that is handed to it now. `undefined` where the file must be left alone: {@link findSalvage}.
 */
export async function assess(
  path: string,
  handle: FileHandle,
  error: DamageError,
  visitor?: LogVisitor,
): Promise<Assessment | undefined> {
  const found = await findSalvage(handle, error);
  if (found === undefined) return undefined;
  const offset = error.offset ?? 0;
  const wasHandedOut = offset > found.from;
  const tally = new Tally(wasHandedOut ? undefined : visitor);
  const { format, salt, from } = found;
  const dump = new DumpExtent();
  const scan = new LogScan(handle, path, tally, { from: { format, salt, offset: from }, dump });
  try {
    await scan.advance(found.to);
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
  }
  const { goodBytes: to, records } = scan.result;
  if (wasHandedOut && to < offset) {
    throw new CorruptedError(path, to, "it was whole a moment ago");
  }
  const salvage = { ...found, to };
  const { cursor, origin } = tally.reached;
  const isKept = cursor.isNone || !(await mayHaveWithdrawn(handle, salvage, origin !== undefined));
  const withdrawn = isKept ? undefined : { ...NO_POSITION, origin };
  if (withdrawn !== undefined) visitor?.position(withdrawn);
  const { size } = await handle.stat();
  const report: LogRepair = {
    path,
    offset,
    code: error.code,
    message: error.message,
    format,
    setAside: undefined,
    keptBytes: codecOf(format).headerBytes + to - from,
    keptRecords: records,
    lostBytes: Math.max(0, size - to),
    cursor: withdrawn?.cursor ?? cursor,
  };
  return { salvage, withdrawn, dumpBytes: (dump.end ?? from) - from, report };
}

/** Remembers the position, and hands on what nobody has had yet. */
class Tally implements LogVisitor {
  reached = NO_POSITION;
  readonly withoutValues: boolean;
  readonly #next: LogVisitor | undefined;

  constructor(next: LogVisitor | undefined) {
    this.#next = next;
    this.withoutValues = next === undefined;
  }

  update(update: KvUpdate): void {
    this.#next?.update(update);
  }

  position(position: LogPosition): void {
    this.reached = position;
    this.#next?.position(position);
  }
}
