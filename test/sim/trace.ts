/** What happened, in order: as a number that any difference changes, and as text where somebody wants to read it. */
export class Trace {
  readonly #listener: ((line: string) => void) | undefined;
  #one = 0x811c9dc5;
  #other = 0x12345678;
  #lines = 0;

  constructor(listener?: (line: string) => void) {
    this.#listener = listener;
  }

  add(line: string): void {
    this.#listener?.(line);
    this.#lines += 1;
    let one = this.#one;
    let other = this.#other;
    for (let index = 0; index < line.length; index += 1) {
      const code = line.charCodeAt(index);
      one = Math.imul(one ^ code, 0x01000193);
      other = Math.imul(other ^ code, 0x5bd1e995);
      other ^= other >>> 15;
    }
    this.#one = Math.imul(one ^ 10, 0x01000193);
    this.#other = other;
  }

  get lines(): number {
    return this.#lines;
  }

  get hash(): string {
    return [this.#one, this.#other]
      .map((half) => (half >>> 0).toString(16).padStart(8, "0"))
      .join("");
  }
}
