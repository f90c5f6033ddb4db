import type { FileSystem } from "../platform/index.js";
import {
  headerLine,
  parseLine,
  recordLine,
  removedBeforeLine,
  removedLine,
  type BucketLine,
} from "./bucket-lines.js";
import type { BucketStream, Journal, StreamIdentity } from "./bucket-stream.js";
import { damagedLine, ioAt, LineFile } from "./line-file.js";
import type { NewRecord, StoredRecord } from "./record.js";

/** A file is rewritten once it is this large and most of it is records that are gone. */
const REWRITE_AT_LEAST_BYTES = 16 * 1024 * 1024;
const REWRITE_FACTOR = 4;
const RECORDS_A_SLICE = 1000;
/** A line's length is that of its record in the bucket, and base64's third more. */
const LINE_BYTES_PER_BYTE = 4 / 3;

/** Either the records are being copied, and lines that come meanwhile are noted, or the target has all and gets them too. */
type Rewrite =
  | { readonly target: undefined; readonly tail: string[] }
  | { readonly target: LineFile; readonly tail: undefined };

/**
 * The file of one bucket: a header, then one line per change, in order. Each line is in the operating system's hands before
 * the change counts. Most of the file being history, it is rewritten with the records that are left, beside the writer.
 */
export class BucketFile implements Journal {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #stream: BucketStream;
  #file: LineFile;
  #rewrite: Rewrite | undefined;
  #rewriting: Promise<void> = Promise.resolve();
  #rewriteAt = REWRITE_AT_LEAST_BYTES;

  constructor(fileSystem: FileSystem, path: string, stream: BucketStream, file: LineFile) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#stream = stream;
    this.#file = file;
  }

  added(record: NewRecord): void {
    this.#append(recordLine(record));
  }

  removed(sequences: readonly number[]): void {
    this.#append(removedLine(sequences));
  }

  removedBefore(sequence: number): void {
    this.#append(removedBeforeLine(sequence));
  }

  /** Replaces the file by one that holds only what the bucket holds now. Changes may go on meanwhile. */
  rewrite(): Promise<void> {
    if (this.#rewrite === undefined) this.#rewriting = this.#copy();
    return this.#rewriting;
  }

  async close(): Promise<void> {
    await this.#rewriting.catch(() => undefined);
    await this.#file.close();
  }

  async discard(): Promise<void> {
    await this.close();
    await ioAt(this.#path, "remove", () => this.#fileSystem.remove(this.#path));
  }

  #append(line: string): void {
    // Before the line is written, the records in memory are exactly what the file amounts to.
    if (this.#isRewriteDue()) this.rewrite().catch(() => undefined);
    const { target, tail } = this.#rewrite ?? {};
    if (target === undefined) {
      this.#file.append(line);
      tail?.push(line);
      return;
    }
    // Which of the two files has the name is being settled: whichever it will be has the line.
    const before = target.length;
    target.append(line);
    try {
      this.#file.append(line);
    } catch (error) {
      target.cutTo(before);
      throw error;
    }
  }

  #isRewriteDue(): boolean {
    if (this.#rewrite !== undefined || this.#file.length < this.#rewriteAt) return false;
    const needed = this.#stream.log.bytes * LINE_BYTES_PER_BYTE;
    return this.#file.length > REWRITE_FACTOR * needed;
  }

  async #copy(): Promise<void> {
    const temporary = `${this.#path}.new`;
    const { log, identity } = this.#stream;
    const header = headerLine({ ...identity, lastSequence: log.lastSequence });
    const records = log.kept();
    const tail: string[] = [];
    // In place before anything is waited for, so that no line is missed.
    this.#rewrite = { target: undefined, tail };
    let target: LineFile | undefined;
    try {
      target = await LineFile.make(this.#fileSystem, temporary);
      await target.appendInBulk(header);
      await copyRecords(records, target);
      await target.sync();
      target.append(tail.join(""));
      this.#rewrite = { target, tail: undefined };
      await ioAt(this.#path, "replace", () => this.#fileSystem.rename(temporary, this.#path));
    } catch (error) {
      // The old file goes on; not before it has doubled is this tried again.
      this.#rewrite = undefined;
      this.#rewriteAt = 2 * this.#file.length;
      await target?.close();
      throw error;
    }
    const old = this.#file;
    this.#file = target;
    this.#rewrite = undefined;
    this.#rewriteAt = REWRITE_AT_LEAST_BYTES;
    await old.close();
  }
}

async function copyRecords(records: readonly StoredRecord[], target: LineFile): Promise<void> {
  for (let start = 0; start < records.length; start += RECORDS_A_SLICE) {
    const slice = records.slice(start, start + RECORDS_A_SLICE);
    await target.appendInBulk(slice.map(recordLine).join(""));
  }
}

/** Makes the file of a new bucket. */
export async function makeBucketFile(
  fileSystem: FileSystem,
  path: string,
  stream: BucketStream,
): Promise<BucketFile> {
  const temporary = `${path}.new`;
  const file = await LineFile.make(fileSystem, temporary);
  file.append(headerLine(stream.identity));
  await ioAt(path, "create", () => fileSystem.rename(temporary, path));
  return new BucketFile(fileSystem, path, stream, file);
}

/**
 * Reads a bucket back. Throws `corrupted` with the offset of the first line that cannot be one: only the last line, when it
 * is torn, is taken to be one that was never finished.
 */
export async function loadBucketFile(
  fileSystem: FileSystem,
  path: string,
  begin: (identity: StreamIdentity) => BucketStream,
): Promise<{ readonly stream: BucketStream; readonly file: BucketFile }> {
  let stream: BucketStream | undefined;
  let lines = 0;
  const lineFile = await LineFile.load(fileSystem, path, (text, offset) => {
    const line = parseLine(text);
    const isHeader = line?.type === "header";
    if (line === undefined || isHeader !== (lines === 0)) throw damagedLine(path, offset);
    if (line.type === "header") stream = begin(line.identity);
    else if (stream === undefined || !replay(stream, line)) throw damagedLine(path, offset);
    lines += 1;
  });
  if (stream === undefined) {
    await lineFile.close();
    throw damagedLine(path, 0);
  }
  const file = new BucketFile(fileSystem, path, stream, lineFile);
  if (lines > 2 * (stream.log.count + 1)) await file.rewrite();
  return { stream, file };
}

function replay(stream: BucketStream, line: BucketLine): boolean {
  switch (line.type) {
    case "header":
      return false;
    case "record":
      return stream.restore(line.record);
    case "removed":
      for (const sequence of line.sequences) {
        const record = stream.log.at(sequence);
        if (record !== undefined) stream.log.remove(record);
      }
      return true;
    case "removed-before":
      stream.log.removeBefore(line.sequence);
      return true;
  }
}
