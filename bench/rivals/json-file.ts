import { readFileSync, renameSync, writeFileSync } from "node:fs";

export interface JsonEntry {
  /** Base64. */
  readonly value: string;
  readonly revision: number;
}

/** The simplest that works: a `Map`, written whole as JSON at each checkpoint and put in place by a rename. */
export class JsonFile {
  readonly entries: Map<string, JsonEntry>;
  readonly #path: string;

  private constructor(path: string, entries: Map<string, JsonEntry>) {
    this.#path = path;
    this.entries = entries;
  }

  static empty(path: string): JsonFile {
    return new JsonFile(path, new Map());
  }

  static load(path: string): JsonFile {
    const parsed = JSON.parse(readFileSync(path, "utf8")) as Record<string, JsonEntry>;
    return new JsonFile(path, new Map(Object.entries(parsed)));
  }

  set(key: string, value: Uint8Array, revision: number): void {
    this.entries.set(key, { value: Buffer.from(value).toString("base64"), revision });
  }

  checkpoint(): void {
    writeFileSync(`${this.#path}.new`, JSON.stringify(Object.fromEntries(this.entries)));
    renameSync(`${this.#path}.new`, this.#path);
  }
}
