import { CorruptedError, IoError } from "../errors/index.js";
import type { FileHandle, FileSystem } from "../platform/index.js";

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * A file that grows by whole lines. What {@link LineFile.append} returned from survives the end of the process, however it
 * comes; a line that was torn by that is not there when the file is opened again.
 */
export class LineFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #length: number;
  /** A failed write may have left bytes behind {@link LineFile.length}. */
  #dirty = false;

  constructor(path: string, handle: FileHandle, length: number) {
    this.#path = path;
    this.#handle = handle;
    this.#length = length;
  }

  /** Makes the file, empty, in place of one that is there. */
  static make(fileSystem: FileSystem, path: string): Promise<LineFile> {
    return ioAt(path, "create", async () => {
      await fileSystem.remove(path);
      return new LineFile(path, await fileSystem.open(path, "create-new"), 0);
    });
  }

  /** Opens the file and hands each whole line, with its offset, to `visit`; drops a torn last line. */
  static async load(
    fileSystem: FileSystem,
    path: string,
    visit: (line: string, offset: number) => void,
  ): Promise<LineFile> {
    const handle = await ioAt(path, "open", () => fileSystem.open(path, "write"));
    try {
      const length = await readLines(path, handle, visit);
      const file = new LineFile(path, handle, length);
      file.cutTo(length);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes. */
  get length(): number {
    return this.#length;
  }

  /** Throws {@link IoError}, and then the file is as it was before. */
  append(lines: string): void {
    const bytes = Buffer.from(lines);
    try {
      if (this.#dirty) this.#handle.truncateSync(this.#length);
      this.#dirty = true;
      this.#handle.writeSync(bytes, this.#length);
    } catch (error) {
      throw new IoError(this.#path, "write", error);
    }
    this.#dirty = false;
    this.#length += bytes.length;
  }

  /** As {@link LineFile.append}, off the main thread. */
  async appendInBulk(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    await ioAt(this.#path, "write", () => this.#handle.write(bytes, this.#length));
    this.#length += bytes.length;
  }

  /** Takes back what was appended beyond `length` bytes. */
  cutTo(length: number): void {
    this.#length = length;
    this.#dirty = true;
    try {
      this.#handle.truncateSync(length);
      this.#dirty = false;
    } catch {
      // The next append tries again before it writes.
    }
  }

  sync(): Promise<void> {
    return ioAt(this.#path, "sync", () => this.#handle.sync());
  }

  close(): Promise<void> {
    return ioAt(this.#path, "close", () => this.#handle.close());
  }
}

/** Turns the operating system's errors into {@link IoError}. */
export async function ioAt<T>(path: string, operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new IoError(path, operation, error);
  }
}

/** The length of the whole lines. */
async function readLines(
  path: string,
  handle: FileHandle,
  visit: (line: string, offset: number) => void,
): Promise<number> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;
  for (;;) {
    const count = await ioAt(path, "read", () => handle.read(chunk, position + rest.length));
    if (count === 0) return position;
    const bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      visit(bytes.toString("utf8", start, end), position + start);
      start = end + 1;
    }
    position += start;
    rest = bytes.subarray(start);
  }
}

export function damagedLine(path: string, offset: number): CorruptedError {
  return new CorruptedError(path, offset, "this line is not one that a bucket's file can have", {
    hint: "Keep a copy of the file, then remove it: the bucket will be gone.",
  });
}
