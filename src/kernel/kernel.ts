import { readFileSync } from "node:fs";
import { MillpondError } from "../errors/index.js";

/** What of the engine's own WebAssembly is used here: neither ES's nor Node's types declare it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (descriptor: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: boolean;
  }) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** What assembly/main.ts exports. Addresses and byte counts above 2^31 arrive as negative numbers: `>>> 0` mends them. */
export interface Kernel {
  readonly memory: { readonly buffer: SharedArrayBuffer };
  open(seed: number, maxPages: number, maxDepth: number): void;
  borrow(bytes: number): number;
  giveBack(from: number): void;
  copy(to: number, from: number, bytes: number): void;
  stageHead(at: number, bytes: number): number;
  stageRecords(from: number, bytes: number, most: number): number;
  stageEnd(): number;
  stagedCount(): number;
  commit(): void;
  abort(): void;
  walk(from: number, bytes: number, offset: number): number;
  walkStopped(): number;
  keyCount(): number;
  recordByteCount(): bigint;
  heapBytesFree(): number;
  find(keyBytes: number): number;
  goTo(prefixBytes: number, past: number): void;
  list(
    fromLeaf: number,
    fromIndex: number,
    endLeaf: number,
    endIndex: number,
    most: number,
  ): number;
  placeLeaf(): number;
  placeIndex(): number;
  dump(keyBytes: number, after: number, to: number, most: number): number;
  dumpedLast(): number;
  dumpedRecords(): number;
  settle(steps: number): void;
  settlePrefix(prefixBytes: number): number;
  sortFull(): void;
  waitingCount(): number;
  hold(whether: number): void;
  firstHeld(): number;
  freeHeld(): void;
  bytesHeld(): number;
  cameToHeld(): bigint;
  check(): number;
  crc32(from: number, bytes: number): number;
}

/** What staging gives for want of room; any other number below 0: bytes that break a rule of the format. */
export const FULL = -2;

/** Where things lie in memory: as assembly/layout.ts has it. */
export const SALT_AT = 0x7000;
export const STAGED_ORIGIN_AT = 0x7000 + 16 + 36;
export const POSITION_AT = 0x7000 + 64;
export const LIST_AT = 0xa000;
export const KEY_AT = 0x10000;
export const STAGING_AT = 0x20000;
/** Less than lies there: bytes may begin up to seven further on. */
export const STAGING_BYTES = 0x130000 - 8;
/** Where an entry's block has its record. */
export const RECORD_AT = 8;
export const RECORD_HEAD_BYTES = 8;

/** Of 64 KiB: what the module says that it begins with, and the most that it takes. */
const INITIAL_PAGES = 22;
export const PAGES_MAX = 65_535;

let module: object | undefined;

/**
 * An instance with memory of its own; the code is compiled once in a process. Throws `too-large` where the process may not
 * have the address space: the engine reserves it in one piece, 10 GiB of it whatever `maxPages` says where it finds accesses
 * out of bounds by the processor's traps (Node 20), just `maxPages` where it checks them itself.
 */
export function newKernel(maxPages = PAGES_MAX): Kernel {
  module ??= new WebAssembly.Module(readFileSync(new URL("./kernel.wasm", import.meta.url)));
  const pages = { initial: INITIAL_PAGES, maximum: maxPages, shared: true };
  try {
    const env = { memory: new WebAssembly.Memory(pages) };
    return new WebAssembly.Instance(module, { env }).exports as Kernel;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new MillpondError(
      "too-large",
      "the process has no address space left for a copy in memory",
      {
        hint: "Each copy reserves 10 GiB of addresses (not of memory): raise the limit (ulimit -v), open fewer copies, or run node with --disable-wasm-trap-handler, which reserves no more than maxMemoryBytes.",
        cause,
      },
    );
  }
}
