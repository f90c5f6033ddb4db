import assert from "node:assert/strict";
import { CorruptedError, InvalidFormatError } from "../../../src/errors/index.js";
import { scanLog } from "../../../src/log/scan-log.js";
import type { LogVisitor } from "../../../src/log/visitor.js";
import type { FileHandle } from "../../../src/platform/index.js";
import {
  VersionToken,
  type KvEntry,
  type KvUpdate,
  type LogPosition,
} from "../../../src/values/index.js";

/** Beside what a file has, the most that a reader may hold ready for reading: its room for a chunk. */
const READING_BYTES_MAX = 2 * 1024 * 1024;

function refuse(): never {
  assert.fail("a reader wrote");
}

/** A file in memory that can be read, and is no more than that. */
export function readOnly(bytes: Uint8Array): FileHandle {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const stat = {
    size: bytes.length,
    permissions: 0o600,
    kind: "file" as const,
    owner: { user: 0, group: 0 },
    names: 1,
    fileId: "1",
    writeMark: "1",
    modifiedMs: 0,
  };
  return {
    async read(target, position) {
      const held = target.buffer.byteLength;
      assert.ok(held <= bytes.length + READING_BYTES_MAX, `${held} bytes allocated for reading`);
      if (position >= source.length) return 0;
      return source.copy(target, 0, position, position + target.length);
    },
    stat: async () => stat,
    statSync: () => stat,
    close: async () => undefined,
    writeSync: refuse,
    write: refuse,
    truncateSync: refuse,
    setPermissions: refuse,
    setOwner: refuse,
    sync: refuse,
  };
}

/** What a scan ended with: the error's code and offset, or how far it got. Any other error is thrown. */
export type Ending =
  | { readonly failed: true; readonly code: string; readonly offset: number }
  | { readonly failed: false; readonly goodBytes: number; readonly frames: number };

export async function endingOf(bytes: Uint8Array, visitor: LogVisitor): Promise<Ending> {
  try {
    const { goodBytes, frames } = await scanLog(readOnly(bytes), "log.snap", visitor);
    return { failed: false, goodBytes, frames };
  } catch (error) {
    if (!(error instanceof CorruptedError) && !(error instanceof InvalidFormatError)) throw error;
    const { code, offset } = error;
    assert.ok(offset !== undefined && offset <= bytes.length, error.message);
    return { failed: true, code, offset };
  }
}

/** The state that a log adds up to, as text to compare. */
export class State implements LogVisitor {
  readonly #entries = new Map<string, KvEntry>();
  #position: LogPosition | undefined;

  update(update: KvUpdate): void {
    if (update.kind === "put") this.#entries.set(update.key, update);
    else this.#entries.delete(update.key);
  }

  position(position: LogPosition): void {
    this.#position = position;
  }

  get text(): string {
    return stateText(this.#entries.values(), this.#position);
  }
}

export function stateText(entries: Iterable<KvEntry>, position: LogPosition | undefined): string {
  const lines = Array.from(entries, ({ key, value, version, timeMs, ttlMs }) =>
    [key, Buffer.from(value).toString("hex"), version, timeMs ?? "", ttlMs ?? ""].join(" "),
  );
  const { cursor = VersionToken.unknown, cursorTimeNs = 0n, origin = "" } = position ?? {};
  // The time of no cursor says nothing.
  const time = cursor.length === 0 ? 0n : cursorTimeNs;
  return [...lines.toSorted(), cursor, time, origin].join("\n");
}
