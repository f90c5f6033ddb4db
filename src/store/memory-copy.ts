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
  /** Whether enough has been added since the last {@link MemoryCopy.settle} to make a `range` slow. */
  readonly needsSettling: boolean;
  /** Puts what was added into order, a slice at a time. Nothing may be applied meanwhile. */
  settle(): Promise<void>;
  /**
   * As `range("")`, found one by one while it is walked and with the memory's own values: to be read, not kept or changed.
   * Nothing may be applied since the last settling nor meanwhile.
   */
  borrowSettled(): Iterable<KvEntry>;
}
