import type { KvEntry, KvUpdate } from "../values/index.js";

/** The live entries in memory, as the store needs them; small, so that a leaner one can take the place of this one. */
export interface MemoryCopy {
  /** Number of keys that have a value. */
  readonly size: number;
  /** What the live entries would take as records on disk, in bytes. */
  readonly recordBytes: number;
  /** Takes a put's `value` over: the caller must not change it afterwards. */
  apply(update: KvUpdate): void;
  /** The caller's own copy. */
  get(key: string): KvEntry | undefined;
  /**
   * The entries whose keys start with `prefix`, ascending by the UTF-8 bytes of the key, as they are at the moment of the
   * call whatever is applied while they are walked. Each value is the caller's own copy.
   */
  range(prefix: string): Iterable<KvEntry>;
  /** As `range("")`, but the values are the memory's own: to be read, not kept or changed. */
  borrowAll(): Iterable<KvEntry>;
}
