import { isMillpondError, type ErrorCode } from "../../src/errors/index.js";
import type { Random } from "../../src/platform/index.js";

/** What a parser is given. A text may be of any UTF-16, half surrogate pairs included. */
export type Input = Buffer | string;

/** What came of an input that was dealt with rightly: taken, or refused with this code. */
export type Verdict = "accepted" | ErrorCode | "refused";

/** One parser, what it is fed with, and what must hold whatever that is. */
export interface Target {
  readonly name: string;
  readonly kind: "bytes" | "text";
  /** How many inputs it gets of a thousand that the quickest target gets. */
  readonly share: number;
  /** The same input for the same numbers. */
  generate(random: Random): Input;
  /** Throws where the property does not hold. */
  check(input: Input): Verdict | Promise<Verdict>;
  /** Smaller inputs to try in place of one that fails; left out, pieces of it. */
  shrinks?(input: Input): Iterable<Input>;
  /** Makes checksums hold again in an input that was cut smaller. */
  mend?(input: Input): Input;
  /** Ends what `check` started. */
  end?(): Promise<void>;
}

interface Parts<I extends Input> {
  readonly name: string;
  readonly share: number;
  generate(random: Random): I;
  check(input: I): Verdict | Promise<Verdict>;
  shrinks?(input: I): Iterable<I>;
  mend?(input: I): I;
  end?(): Promise<void>;
}

export function bytesTarget(parts: Parts<Buffer>): Target {
  return { kind: "bytes", ...(parts as Parts<Input>) };
}

export function textTarget(parts: Parts<string>): Target {
  return { kind: "text", ...(parts as Parts<Input>) };
}

/** The code of an error of ours, if it is one that this parser may end in. Any other error is thrown. */
export function refusal(error: unknown, codes: readonly ErrorCode[]): ErrorCode {
  if (!isMillpondError(error) || !codes.includes(error.code)) throw error;
  return error.code;
}
