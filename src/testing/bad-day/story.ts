/** Something that happened. */
export interface Told {
  /** Virtual milliseconds since the day began. */
  readonly at: number;
  readonly text: string;
  /** Of a write to the bucket: its key. */
  readonly key?: string;
}

/** What happened on a day, in order. */
export class Story {
  readonly told: Told[] = [];
  readonly #sinceMs: () => number;

  /** `sinceMs`: virtual milliseconds since the day began. */
  constructor(sinceMs: () => number) {
    this.#sinceMs = sinceMs;
  }

  tell(text: string, key?: string): void {
    this.told.push({ at: this.#sinceMs(), text, ...(key === undefined ? {} : { key }) });
  }
}

/** A line of a story: `1:02:03.004  crash`. */
export function lineOf({ at, text }: Told): string {
  const hours = Math.floor(at / 3_600_000);
  const minutes = `${Math.floor(at / 60_000) % 60}`.padStart(2, "0");
  const seconds = ((at % 60_000) / 1000).toFixed(3).padStart(6, "0");
  return `${hours}:${minutes}:${seconds}  ${text}`;
}

/** What a thrown value says, on one line. */
export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { readonly code?: unknown };
  const said = error.message.split("\n", 1)[0] ?? "";
  return typeof code === "string" && !said.includes(code) ? `${code}: ${said}` : said;
}
