import type { KvEntry } from "../values/index.js";
import { KEY_BYTES_MAX, type ArenaMemory } from "./arena-memory.js";
import { LIST_AT } from "./kernel.js";
import { readEntry, readKey } from "./read-entry.js";
import { ValueCopies } from "./value-copies.js";

/** Entries listed at a time while nothing changes; as many as the kernel's list holds where all the rest is wanted. */
const AHEAD = 64;
const LIST_LENGTH = 4096;
/** What may be kept for open ranges of what was overwritten since, in bytes; beyond it they take copies. */
const HELD_BYTES_MIN = 16 * 1024 * 1024;
/** Memory that values share. */
const PIECE_BYTES = 8 * 1024;

/** What is open of a range, apart from the iterator, so that an iterator that was lost can be collected and noticed. */
class RangeState {
  readonly prefix: string;
  /** Blocks freed for the first time at this count or later may be shown by it. */
  readonly since: bigint;
  /** Addresses to come, the nearest in `blocks` from `at` on, the others in `later`. */
  blocks: Uint32Array;
  at = 0;
  later: Uint32Array[] = [];
  /** Where it goes on in the tree; `undefined` once all that is to come is listed here. */
  place: [leaf: number, index: number, endLeaf: number, endIndex: number] | undefined;
  /** Entries whose memory had to be given up. */
  readonly saved = new Map<number, KvEntry>();
  closed = false;

  constructor(prefix: string, since: bigint) {
    this.prefix = prefix;
    this.since = since;
    this.blocks = new Uint32Array(0);
  }
}

/**
 * The ranges that are being walked. Each reads on in the tree until something is about to change; then it lists the
 * addresses of all its rest, and what is overwritten or removed from then on keeps its memory until no range needs it.
 */
export class OpenRanges {
  readonly #memory: ArenaMemory;
  readonly #open = new Set<RangeState>();
  /** How many of those that were ever held are freed. */
  #freed = 0n;
  readonly #lost = new FinalizationRegistry((state: RangeState) => this.close(state));

  /** For the entries whose memory has to be given up. */
  readonly #copies: ValueCopies;

  constructor(memory: ArenaMemory) {
    this.#memory = memory;
    this.#copies = new ValueCopies(memory, PIECE_BYTES);
  }

  open(prefix: string): IterableIterator<KvEntry> {
    const { kernel } = this.#memory;
    const state = new RangeState(prefix, kernel.cameToHeld());
    const prefixBytes = this.#memory.writeKey(prefix);
    if (prefixBytes > KEY_BYTES_MAX) {
      state.closed = true;
      return new RangeIterator(this, this.#memory, state);
    }
    kernel.goTo(prefixBytes, 1);
    const [endLeaf, endIndex] = this.#placeNow();
    kernel.goTo(prefixBytes, 0);
    state.place = [...this.#placeNow(), endLeaf, endIndex];
    if (this.#open.size === 0) kernel.hold(1);
    this.#open.add(state);
    const iterator = new RangeIterator(this, this.#memory, state);
    this.#lost.register(iterator, state, state);
    return iterator;
  }

  /** The address of the next entry; 0 at the end. */
  advance(state: RangeState): number {
    if (state.at === state.blocks.length) {
      const next = state.place === undefined ? state.later.shift() : this.#list(state, AHEAD);
      if (next === undefined || next.length === 0) return 0;
      state.blocks = next;
      state.at = 0;
    }
    const block = state.blocks[state.at] as number;
    state.at += 1;
    return block;
  }

  close(state: RangeState): void {
    if (state.closed) return;
    state.closed = true;
    this.#open.delete(state);
    this.#lost.unregister(state);
    this.#freeUnneeded();
  }

  /** Ends them all, before the kernel forgets everything. */
  clear(): void {
    for (const state of this.#open) this.close(state);
    this.#freed = 0n;
  }

  /** Before anything is applied or put in order. */
  beforeChange(): void {
    for (const state of this.#open) {
      while (state.place !== undefined) {
        const more = this.#list(state, LIST_LENGTH);
        if (more.length === 0) break;
        state.later.push(more);
      }
    }
  }

  afterChange(): void {
    const { kernel } = this.#memory;
    while (kernel.bytesHeld() >>> 0 > this.#mostHeld()) this.#save(kernel.firstHeld() >>> 0);
  }

  /** As much again as the live entries take: all ranges share what is held, and each would save its own copy. */
  #mostHeld(): number {
    return Math.max(HELD_BYTES_MIN, Number(this.#memory.kernel.recordByteCount()));
  }

  #list(state: RangeState, most: number): Uint32Array {
    const { place } = state;
    if (place === undefined) return state.blocks.subarray(0, 0);
    const { kernel, words } = this.#memory;
    const count = kernel.list(...place, most);
    [place[0], place[1]] = this.#placeNow();
    if (count < most) state.place = undefined;
    return words.slice(LIST_AT / 4, LIST_AT / 4 + count);
  }

  #placeNow(): [leaf: number, index: number] {
    const { kernel } = this.#memory;
    return [kernel.placeLeaf(), kernel.placeIndex()];
  }

  /** Frees a held block, of which each range that may show it takes a copy. */
  #save(block: number): void {
    const key = readKey(this.#memory, block);
    for (const state of this.#open) {
      if (this.#freed < state.since || !key.startsWith(state.prefix) || state.saved.has(block))
        continue;
      state.saved.set(block, readEntry(this.#memory, block, this.#copies, key));
    }
    this.#memory.kernel.freeHeld();
    this.#freed += 1n;
  }

  #freeUnneeded(): void {
    const { kernel } = this.#memory;
    let needed = kernel.cameToHeld();
    for (const { since } of this.#open) if (since < needed) needed = since;
    for (; this.#freed < needed; this.#freed += 1n) kernel.freeHeld();
    if (this.#open.size === 0) kernel.hold(0);
  }
}

class RangeIterator implements IterableIterator<KvEntry> {
  readonly #ranges: OpenRanges;
  readonly #memory: ArenaMemory;
  readonly #state: RangeState;
  readonly #copies: ValueCopies;

  constructor(ranges: OpenRanges, memory: ArenaMemory, state: RangeState) {
    this.#ranges = ranges;
    this.#memory = memory;
    this.#state = state;
    this.#copies = new ValueCopies(memory, PIECE_BYTES);
  }

  next(): IteratorResult<KvEntry> {
    const state = this.#state;
    if (state.closed) return { done: true, value: undefined };
    const block = this.#ranges.advance(state);
    if (block === 0) return this.return();
    const saved = state.saved.size === 0 ? undefined : state.saved.get(block);
    const value = saved ?? readEntry(this.#memory, block, this.#copies);
    return { done: false, value };
  }

  return(): IteratorResult<KvEntry> {
    this.#ranges.close(this.#state);
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }
}
