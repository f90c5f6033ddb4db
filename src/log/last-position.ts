/** Where in a log the last position ends. What comes behind it must not be folded into what comes before it. */
export class LastPosition {
  #appended: number | undefined;
  #acknowledged: number | undefined;

  /** @param end undefined where the log has none. */
  constructor(end: number | undefined) {
    this.#appended = end;
    this.#acknowledged = end;
  }

  /** The end of the last one that is acknowledged, or an offset before it where that is all that is known. */
  get end(): number | undefined {
    return this.#acknowledged;
  }

  /** A frame with a position was appended and ends here. */
  appended(end: number): void {
    this.#appended = end;
  }

  acknowledge(): void {
    this.#acknowledged = this.#appended;
  }

  discard(): void {
    this.#appended = this.#acknowledged;
  }

  /** The log is another file, where an offset is at `placeOf` it. `first`: where that one's own first position ends. */
  move(placeOf: (offset: number) => number, first: number | undefined): void {
    const moved = (end: number | undefined): number | undefined =>
      end === undefined ? first : placeOf(end);
    this.#appended = moved(this.#appended);
    this.#acknowledged = moved(this.#acknowledged);
  }
}
