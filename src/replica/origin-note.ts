import type { CopyIdentity } from "../rules/index.js";
import type { SnapshotStore } from "../store/index.js";
import { identityOf, textOf } from "./identity-text.js";
import type { OriginFile } from "./origin-file.js";

/** The part of a store that may hold the note itself. */
type NoteHolder = Pick<SnapshotStore, "holdsOrigin" | "origin" | "sync">;

/**
 * What the copy's position belongs to, as it is noted on disk: in the store with the position itself where the store can hold
 * that, so that the two are one; else in a file beside it.
 */
export class OriginNote {
  readonly #store: NoteHolder;
  readonly #file: OriginFile;
  #identity: CopyIdentity | undefined;
  #text: string | undefined;

  private constructor(store: NoteHolder, file: OriginFile, identity: CopyIdentity | undefined) {
    this.#store = store;
    this.#file = file;
    this.#identity = identity;
    this.#text = identity && textOf(identity);
  }

  /**
   * The store's own note counts before the file, which an older version left, or a log of format 2. Called before the store is
   * given anything: a log that is to become one of format 2 does so with its first batch, and loses its own note by that. Throws
   * `io`.
   */
  static async read(store: NoteHolder, file: OriginFile): Promise<OriginNote> {
    const text = store.origin?.();
    if (text === undefined) return new OriginNote(store, file, await file.read());
    const identity = identityOf(text);
    if (store.holdsOrigin === true) await file.remove().catch(() => undefined);
    else if (identity === undefined) await file.remove();
    else await file.write(identity);
    return new OriginNote(store, file, identity);
  }

  /** `undefined` where none is noted, or none that can be understood: then the position's origin is unknown. */
  get identity(): CopyIdentity | undefined {
    return this.#identity;
  }

  /** What each batch is given to the store with. */
  get text(): string | undefined {
    return this.#text;
  }

  /**
   * What was kept of a damaged log is older than the note beside it, and may be of another making: what it belongs to is not known any
   * more. A store that holds the note itself has lost it together with the rest. Throws `io`.
   */
  async forgetAfterDamage(): Promise<void> {
    if (this.#store.holdsOrigin === true) return;
    await this.#file.remove();
    this.#identity = undefined;
    this.#text = undefined;
  }

  /**
   * Called while the store holds no position. A store that can hold it gets it with the next batch, and no file may say anything
   * else. Any other is synced first, or a power loss could bring its earlier position back beside the new note. Throws `io`.
   */
  async write(identity: CopyIdentity): Promise<void> {
    if (this.#store.holdsOrigin === true) {
      await this.#file.remove();
    } else {
      await this.#store.sync?.();
      await this.#file.write(identity);
    }
    this.#identity = identity;
    this.#text = textOf(identity);
  }
}
