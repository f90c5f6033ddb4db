import type { KvUpdate, LogPosition } from "../../values/index.js";
import type { LogVisitor } from "../visitor.js";

/** More than this before a position is not held here. */
const GROUP_BYTES_MAX = 64 * 1024 * 1024;
/** What an update takes beside its key and value, roughly. */
const UPDATE_BYTES = 200;

/**
 * Collects updates until the position that ends them comes, and hands them on all at once, so that nobody who reads in between
 * sees a part of them. What no position has come for yet may still be taken back by its writer.
 */
export class GroupCollector implements LogVisitor {
  readonly #target: LogVisitor;
  #updates: KvUpdate[] = [];
  #bytes = 0;
  #hasMissed = false;

  constructor(target: LogVisitor) {
    this.#target = target;
  }

  /** A position came after more than is held here: neither it nor anything since was handed on. */
  get hasMissed(): boolean {
    return this.#hasMissed;
  }

  update(update: KvUpdate): void {
    const valueBytes = update.kind === "put" ? update.value.length : 0;
    this.#bytes += UPDATE_BYTES + update.key.length + valueBytes;
    if (this.#bytes > GROUP_BYTES_MAX) this.#updates = [];
    else this.#updates.push(update);
  }

  position(position: LogPosition): void {
    this.#hasMissed ||= this.#bytes > GROUP_BYTES_MAX;
    if (this.#hasMissed) return;
    const updates = this.#updates;
    this.#updates = [];
    this.#bytes = 0;
    for (const update of updates) this.#target.update(update);
    this.#target.position(position);
  }
}
