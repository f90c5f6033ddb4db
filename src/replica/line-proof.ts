/**
 * A source that tells of no rebuilds is believed at its second word of those that were taken since the line came back: what it had
 * read ahead when it was lost is taken after that too.
 */
const WORDS_ENOUGH = 2;

/**
 * Whether a word that the copy is level is from after the line came back. What waited in a queue when it was lost says how things
 * stood before; the first batch from after it comes with a higher count of rebuilds.
 */
export class LineProof {
  #rebuilds = 0;
  /** The count that proves it; `undefined`: nothing to be proven. */
  #needed: number | undefined;
  #words = 0;
  #isBack = false;
  /** A batch was taken since the line came back, and no word was counted since. */
  #hasNew = false;

  /** A batch was taken of a source that had rebuilt so often in this watch. Gives how many of them are new. */
  taken(rebuilds: number): number {
    const more = Math.max(0, rebuilds - this.#rebuilds);
    this.#rebuilds = rebuilds;
    this.#hasNew ||= this.#isBack;
    return more;
  }

  lineLost(): void {
    this.#needed = this.#rebuilds + 1;
    this.#words = 0;
    this.#isBack = false;
    this.#hasNew = false;
  }

  lineBack(): void {
    this.#isBack = true;
  }

  /** A watch that was set up anew has nothing of before. */
  watchBegun(): void {
    this.#needed = undefined;
    this.#rebuilds = 0;
  }

  /** Whether nothing is left to be proven: the line held, or what came after it was back has said that the copy is level. */
  get isProven(): boolean {
    return this.#needed === undefined;
  }

  /**
   * The source has said that the copy is level, after so many rebuilds: may it be believed? What was taken since may tell of more of
   * them: a word waits for its batch to be stored.
   */
  accepts(rebuilds: number): boolean {
    if (this.#needed === undefined) return true;
    if (this.#hasNew) this.#words += 1;
    this.#hasNew = false;
    if (rebuilds < this.#needed && this.#words < WORDS_ENOUGH) return false;
    this.#needed = undefined;
    return true;
  }
}
