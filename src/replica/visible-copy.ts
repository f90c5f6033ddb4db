import type { KvEntry } from "../values/index.js";
import type { CurrentCopy } from "./current-copy.js";
import type { Expiry } from "./expiry.js";
import type { ReadableCopy } from "./local-reads.js";

/** The copy without what is over: hidden at once, also while nothing can be removed. */
export class VisibleCopy implements ReadableCopy {
  readonly #copy: CurrentCopy;
  readonly #expiry: Expiry;

  constructor(copy: CurrentCopy, expiry: Expiry) {
    this.#copy = copy;
    this.#expiry = expiry;
  }

  get size(): number {
    return this.#copy.size;
  }

  get(key: string): KvEntry | undefined {
    const entry = this.#copy.get(key);
    return entry === undefined || this.#expiry.isOver(entry) ? undefined : entry;
  }

  /** As of the call, also as to what is over. */
  range(prefix: string): Iterable<KvEntry> {
    const entries = this.#copy.range(prefix);
    return this.#expiry.isArmed ? after(entries, this.#expiry, this.#expiry.now()) : entries;
  }
}

function* after(entries: Iterable<KvEntry>, expiry: Expiry, now: number): Generator<KvEntry> {
  for (const entry of entries) if (expiry.expiresAt(entry) > now) yield entry;
}
