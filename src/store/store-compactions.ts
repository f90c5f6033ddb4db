import { MillpondError } from "../errors/index.js";
import type { Arena } from "../kernel/index.js";
import type { CompactContent, LogAppender, RecordSlice } from "../log/index.js";
import { isCompactionDue } from "../rules/compaction-due.js";
import type { LogPosition } from "../values/index.js";
import type { KeyOrder } from "./key-order.js";
import { liveBytesOf } from "./live-bytes.js";

/** What may be written beside one compaction, in thresholds or live sizes; then batches wait for its end. */
const BEHIND_THRESHOLDS = 8;
/** A slice of a dump: about a frame's worth. */
const DUMP_BYTES = 256 * 1024;

export interface StoreCompactionsOptions {
  readonly log: LogAppender;
  readonly entries: Arena;
  readonly order: KeyOrder;
  readonly thresholdBytes: number;
  /** Of what memory has. */
  readonly position: () => LogPosition;
}

/** When a store's log is rewritten compact, and how that went. */
export class StoreCompactions {
  readonly #options: StoreCompactionsOptions;
  #running: Promise<void> | undefined;
  #error: MillpondError | undefined;
  #endAtFailure = 0;
  /** Where the log ended when the one under way began. */
  #from = 0;

  constructor(options: StoreCompactionsOptions) {
    this.#options = options;
  }

  /** Settles with the one that is under way, and never rejects; `undefined` where none is. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Why the last one failed. */
  get error(): MillpondError | undefined {
    return this.#error;
  }

  /** Whether a slow disk keeps it so far behind that batches have to wait: the log would grow until the disk is full. */
  get isFarBehind(): boolean {
    if (this.#running === undefined) return false;
    const most = BEHIND_THRESHOLDS * Math.max(this.#options.thresholdBytes, this.#liveBytes);
    return this.#options.log.end - this.#from > most;
  }

  startIfDue(): void {
    const { log, thresholdBytes } = this.#options;
    if (this.#running !== undefined || log.isPoisoned) return;
    const { end, needsConversion } = log;
    const due = isCompactionDue({
      needsConversion,
      logBytes: end,
      liveBytes: this.#liveBytes,
      thresholdBytes,
      sinceFailureBytes: this.#error === undefined ? undefined : end - this.#endAtFailure,
    });
    if (due) void this.start();
  }

  /** Never rejects: why it failed is kept. Begins in a turn, when memory has just what the log has acknowledged. */
  start(): Promise<void> {
    this.#from = this.#options.log.end;
    this.#running = this.#runOnce().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Makes a poisoned log sound again: memory has all that was taken. Gives the position that is in it then. */
  async heal(): Promise<LogPosition> {
    const content = this.#content();
    await this.#options.log.rewrite(content);
    this.#error = undefined;
    return content.position;
  }

  get #liveBytes(): number {
    return liveBytesOf(this.#options.entries, this.#options.log.format);
  }

  async #runOnce(): Promise<void> {
    const { log } = this.#options;
    try {
      await log.rewrite(this.#content());
      this.#error = undefined;
    } catch (error) {
      this.#error = asMillpondError(error);
      this.#endAtFailure = log.end;
    }
  }

  /** From memory, not from the file: so a byte that went bad on disk is healed instead of stopping every compaction. */
  #content(): CompactContent {
    const { log, entries, order, position } = this.#options;
    return {
      live: slicesOf(entries, order),
      // While a log is converted, what it belongs to may still be noted elsewhere; the next batch brings it.
      position: log.needsConversion ? { ...position(), origin: undefined } : position(),
    };
  }
}

async function* slicesOf(entries: Arena, order: KeyOrder): AsyncGenerator<RecordSlice> {
  await order.finish();
  const dump = entries.dump();
  for (;;) {
    const slice = dump.next(DUMP_BYTES);
    if (slice === undefined) return;
    // A view of memory that the next batch is staged in, and one may come before whoever waits for this has it.
    yield { records: new Uint8Array(slice.records), count: slice.count };
  }
}

function asMillpondError(error: unknown): MillpondError {
  if (error instanceof MillpondError) return error;
  return new MillpondError("operation-failed", "a compaction failed", { cause: error });
}
