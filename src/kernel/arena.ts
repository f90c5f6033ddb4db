import { InvalidFormatError, MillpondError } from "../errors/index.js";
import { WatchCursor, type KvEntry, type KvUpdate, type LogPosition } from "../values/index.js";
import { ArenaDump } from "./arena-dump.js";
import { ArenaMemory, KEY_BYTES_MAX } from "./arena-memory.js";
import {
  FULL,
  POSITION_AT,
  RECORD_HEAD_BYTES,
  SALT_AT,
  STAGED_ORIGIN_AT,
  STAGING_AT,
  STAGING_BYTES,
} from "./kernel.js";
import { OpenRanges } from "./open-ranges.js";
import { readEntry } from "./read-entry.js";
import { ValueCopies } from "./value-copies.js";
import { recordBytesAt, recordBytesMax, valueShift, writeRecord } from "./write-record.js";

export interface ArenaOptions {
  /** Seeds the hash of keys, as a whole number below 2^32: a random one, so that nobody can choose keys that collide. */
  readonly seed: number;
  /** The most memory that it may take, in bytes. Default and most: 4 GiB less 64 KiB. At least 2 MiB. */
  readonly maxBytes?: number;
}

const ARENA_BYTES_MAX = 65_535 * 65_536;
const ARENA_BYTES_MIN = 2 * 1024 * 1024;
/** Bytes of a log walked at a time: they stay in the processor's nearer caches. */
const WALK_BYTES = 512 * 1024;
/** Memory that the values of `get` share: one that is kept keeps no more than this. */
const PIECE_BYTES = 2 * 1024;
const U32 = 2 ** 32;

/**
 * The live entries of a bucket as bytes in a memory of their own, outside of the JavaScript heap: an entry costs about 30
 * bytes beside its key, value and version. Records are in format v3's encoding (FORMAT.md) throughout.
 */
export class Arena {
  readonly #memory: ArenaMemory;
  readonly #ranges: OpenRanges;
  readonly #copies: ValueCopies;
  #origin: string | undefined;
  #stagedOrigin: string | undefined;

  /** Throws `invalid-argument` for options out of bounds, `too-large` where the process has no address space for it. */
  constructor({ seed, maxBytes = ARENA_BYTES_MAX }: ArenaOptions) {
    if (!(maxBytes >= ARENA_BYTES_MIN) || !Number.isInteger(seed)) {
      throw new MillpondError(
        "invalid-argument",
        `an arena needs a whole number as seed and at least ${ARENA_BYTES_MIN} bytes, not ${seed} and ${maxBytes}`,
      );
    }
    this.#memory = new ArenaMemory(seed >>> 0, maxBytes);
    this.#ranges = new OpenRanges(this.#memory);
    this.#copies = new ValueCopies(this.#memory, PIECE_BYTES);
  }

  /** Number of keys that have a value. */
  get size(): number {
    return this.#memory.kernel.keyCount() >>> 0;
  }

  /** What the live entries take as records of a v3 log, in bytes. */
  get recordBytes(): number {
    return Number(this.#memory.kernel.recordByteCount());
  }

  /** All that it takes from the system, with what lies free in it. It never shrinks; what is free is used again. */
  get memoryBytes(): number {
    return this.#memory.size;
  }

  /** Of {@link Arena.memoryBytes}, what lies free. */
  get freeBytes(): number {
    return this.#memory.kernel.heapBytesFree() >>> 0;
  }

  /**
   * Takes in the body of a batch frame (without the frame's head) whose checksum held, so that {@link Arena.commit} can
   * make it live. Throws `invalid-format` for one that breaks a rule of the format and `too-large` where it does not fit;
   * then nothing has changed, and nothing is staged.
   */
  stage(body: Uint8Array): void {
    this.#requireNothingStaged();
    try {
      this.#stageBody(body);
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Makes live what was staged: cannot fail. */
  commit(): void {
    this.#ranges.beforeChange();
    const { kernel } = this.#memory;
    kernel.commit();
    // While what came is in the processor's caches still.
    kernel.sortFull();
    this.#memory.renew();
    this.#origin = this.#stagedOrigin ?? this.#origin;
    this.#stagedOrigin = undefined;
    // The bytes that the kernel remembers are gone by the next walk, which would take them for an origin that it met.
    this.#memory.bytes.writeUInt32LE(0, POSITION_AT + 36);
    this.#ranges.afterChange();
  }

  /** Drops what was staged. */
  abort(): void {
    this.#memory.kernel.abort();
    this.#stagedOrigin = undefined;
  }

  /** One update by itself, which was checked before. Throws `too-large` where it does not fit; then nothing has changed. */
  apply(update: KvUpdate): void {
    this.#requireNothingStaged();
    const { kernel, bytes } = this.#memory;
    const most = recordBytesMax(update);
    try {
      if (most <= STAGING_BYTES) {
        const start = STAGING_AT + valueShift(update);
        const end = writeRecord(bytes, start, update);
        this.#requireTaken(kernel.stageRecords(start, end - start, 1));
      } else {
        const record = Buffer.allocUnsafeSlow(most);
        this.#stageLarge(record.subarray(0, writeRecord(record, 0, update)));
      }
      this.#requireRoom();
    } catch (error) {
      this.abort();
      throw error;
    }
    this.commit();
  }

  /**
   * Takes whole batch frames of a log from the start of `bytes` on, each checked (head, body, records) and made live as one,
   * up to the first that is not whole and good, is of another kind or is longer than 512 KiB: that is the caller's to look
   * at. `offset` is where `bytes` begins in the file, `salt` that file's. Returns how many bytes it took. Throws `too-large`
   * where a good frame does not fit; those before it are live then.
   */
  walk(bytes: Uint8Array, offset: number, salt: Uint8Array): number {
    this.#requireNothingStaged();
    this.#ranges.beforeChange();
    this.#memory.bytes.set(salt, SALT_AT);
    let taken = 0;
    for (;;) {
      const more = this.#walkPiece(bytes.subarray(taken, taken + WALK_BYTES), offset + taken);
      taken += more;
      if (more === 0 || taken === bytes.length) break;
    }
    this.#ranges.afterChange();
    if (this.#memory.kernel.walkStopped() === FULL) throw tooLarge(this);
    return taken;
  }

  /** The last position that a committed or walked batch had; `undefined` before the first. */
  position(): LogPosition | undefined {
    const { bytes } = this.#memory;
    if (bytes.readUInt32LE(POSITION_AT) === 0) return undefined;
    const cursorBytes = bytes.readUInt32LE(POSITION_AT + 4);
    return {
      cursor: WatchCursor.fromBytes(
        bytes.subarray(POSITION_AT + 16, POSITION_AT + 16 + cursorBytes),
      ),
      cursorTimeNs: bytes.readBigUInt64LE(POSITION_AT + 8),
      origin: this.#origin,
    };
  }

  /** The key's entry, the caller's own. */
  get(key: string): KvEntry | undefined {
    const block = this.#find(key);
    return block === 0 ? undefined : readEntry(this.#memory, block, this.#copies, key);
  }

  has(key: string): boolean {
    return this.#find(key) !== 0;
  }

  /**
   * The entries whose keys start with `prefix`, ascending by the UTF-8 bytes of the key, as they are at the moment of the
   * call whatever is applied while they are walked. Each value is the caller's own. Walk it to its end or `return` it (a
   * `for` loop does either): until then the memory of what is overwritten stays in use, up to a bound.
   */
  range(prefix: string): IterableIterator<KvEntry> {
    this.#settlePrefix(prefix);
    return this.#ranges.open(prefix);
  }

  /**
   * Puts new entries into order, in up to `maxSteps` steps (1000: about a millisecond; each entry takes one and a quarter);
   * `true` once none is left. Keys that arrive in ascending order need none of this. `range` does at once what of it begins
   * with its prefix, `dump` all that is left.
   */
  settle(maxSteps: number): boolean {
    const { kernel } = this.#memory;
    if (kernel.waitingCount() === 0) return true;
    this.#ranges.beforeChange();
    kernel.settle(maxSteps);
    this.#memory.renew();
    return kernel.waitingCount() === 0;
  }

  /** Keys that wait to be put into order. */
  get unsettled(): number {
    return this.#memory.kernel.waitingCount() >>> 0;
  }

  /** The live entries as records in slices, for a compaction. */
  dump(): ArenaDump {
    this.#settleAll();
    return new ArenaDump(this.#memory);
  }

  /** Forgets everything; the memory stays and is used again. Ranges that are open end. */
  clear(): void {
    this.#ranges.clear();
    this.#memory.clear();
    this.#origin = undefined;
    this.#stagedOrigin = undefined;
  }

  /** 0 where all that is in memory agrees with itself, else the number of the rule that is broken: for tests. */
  check(): number {
    return this.#memory.kernel.check();
  }

  #find(key: string): number {
    const keyBytes = this.#memory.writeKey(key);
    return keyBytes > KEY_BYTES_MAX ? 0 : this.#memory.kernel.find(keyBytes) >>> 0;
  }

  #settleAll(): void {
    while (!this.settle(U32 - 1));
  }

  #settlePrefix(prefix: string): void {
    const { kernel } = this.#memory;
    if (kernel.waitingCount() === 0) return;
    const prefixBytes = this.#memory.writeKey(prefix);
    if (prefixBytes > KEY_BYTES_MAX) return;
    this.#ranges.beforeChange();
    const isPart = prefixBytes > 0 && kernel.settlePrefix(prefixBytes) === 0;
    this.#memory.renew();
    if (!isPart) this.#settleAll();
  }

  #stageBody(body: Uint8Array): void {
    const { kernel } = this.#memory;
    let piece = body.length <= STAGING_BYTES ? body : body.subarray(0, STAGING_BYTES);
    let from = this.#memory.bring(piece);
    let end = from + piece.length;
    let at = this.#requireTaken(kernel.stageHead(from, piece.length));
    this.#stagedOrigin = this.#originAt(STAGED_ORIGIN_AT);
    const count = this.#memory.bytes.readUInt32LE(from + 4);
    from += at;
    while (kernel.stagedCount() < count && at < body.length) {
      const left = count - kernel.stagedCount();
      let taken = this.#requireTaken(kernel.stageRecords(from, end - from, left));
      if (taken === 0) taken = this.#stageLarge(body.subarray(at));
      if (taken === 0) break;
      at += taken;
      if (at === body.length) break;
      piece = body.subarray(at, at + STAGING_BYTES);
      from = this.#memory.bring(piece);
      end = from + piece.length;
    }
    if (at !== body.length || kernel.stagedCount() !== count) throw notABatch();
    this.#requireRoom();
  }

  /** Stages the record at the start of `bytes`, which is longer than the place that staging has for it. */
  #stageLarge(bytes: Uint8Array): number {
    if (bytes.length < RECORD_HEAD_BYTES) return 0;
    const { kernel } = this.#memory;
    const least = recordBytesAt(bytes, 0);
    if (least > bytes.length) return 0;
    const room = kernel.borrow(least) >>> 0;
    if (room === 0) throw tooLarge(this);
    this.#memory.renew();
    this.#memory.bytes.set(bytes.subarray(0, least), room);
    const taken = kernel.stageRecords(room, least, 1);
    kernel.giveBack(room);
    return this.#requireTaken(taken);
  }

  #walkPiece(piece: Uint8Array, offset: number): number {
    const memory = this.#memory;
    const from = memory.bring(piece);
    const taken = memory.kernel.walk(from, piece.length, offset) >>> 0;
    memory.renew();
    const origin = this.#originAt(POSITION_AT + 36);
    if (origin !== undefined) {
      this.#origin = origin;
      memory.bytes.writeUInt32LE(0, POSITION_AT + 36);
    }
    return taken;
  }

  /** The text of an origin that was met; `undefined` where none was. */
  #originAt(place: number): string | undefined {
    const { bytes } = this.#memory;
    if (bytes.readUInt32LE(place) === 0) return undefined;
    const start = bytes.readUInt32LE(place + 4);
    return bytes.toString("utf8", start, start + bytes.readUInt32LE(place + 8));
  }

  #requireTaken(result: number): number {
    if (result === FULL) throw tooLarge(this);
    if (result < 0) throw notABatch();
    this.#memory.renew();
    return result;
  }

  #requireRoom(): void {
    if (this.#memory.kernel.stageEnd() === 0) return;
    // What waits for its place in the order needs room until it has it.
    if (this.#memory.kernel.waitingCount() > 0) {
      this.#settleAll();
      if (this.#memory.kernel.stageEnd() === 0) return;
    }
    throw tooLarge(this);
  }

  #requireNothingStaged(): void {
    if (this.#memory.kernel.stagedCount() !== 0) throw new Error("a batch is already staged");
  }
}

function notABatch(): InvalidFormatError {
  return new InvalidFormatError("the batch breaks a rule of format 3 though its checksum holds");
}

function tooLarge({ size, memoryBytes }: Arena): MillpondError {
  return new MillpondError(
    "too-large",
    `the live entries do not fit into memory: ${size} keys in ${memoryBytes} bytes so far`,
    {
      hint: "Keep fewer keys in the bucket or by a narrower scope and open it again, or use a store that is larger than memory.",
    },
  );
}
