import type { SimConfig } from "../config.js";

/** Text of a built module, and what stands there instead. */
export interface Edit {
  /** The module, below `.build/src`. */
  readonly file: string;
  /** Stands in it exactly once; any white space counts as any other. */
  readonly find: string;
  readonly replace: string;
}

/** Something wrong of our own making, in a process that runs what is built: nothing that ships knows of it. */
export interface Planted {
  readonly id: string;
  /** What is wrong then, in a sentence without a subject. */
  readonly wrong: string;
  readonly edits: readonly Edit[];
  /** Whether a run of this configuration can meet it at all: the seeds of others are not tried. Default: each can. */
  readonly needs?: (config: SimConfig) => boolean;
}

/** One that the simulator, or a test, must find. */
export interface Fault extends Planted {
  /** The invariant of ARCHITECTURE.md that it breaks. */
  readonly invariant: number;
  /** The test that finds it where the simulator does not reach, below `.build/test`; `name`: of the tests in it that are run, a pattern. */
  readonly test?: { readonly file: string; readonly name: string };
}

/** The module's text with the fault in it. Throws where the text to find is not there, or is there more than once. */
export function withEdit(source: string, { file, find, replace }: Edit): string {
  const found = [...source.matchAll(patternOf(find))];
  const [match] = found;
  if (match === undefined || found.length > 1) {
    throw new Error(`${file} has ${found.length} places, not one, like: ${find}`);
  }
  const end = match.index + match[0].length;
  return `${source.slice(0, match.index)}${replace}${source.slice(end)}`;
}

function patternOf(text: string): RegExp {
  const words = text.trim().split(/\s+/);
  return new RegExp(
    words
      .map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join(String.raw`\s+`),
    "g",
  );
}
