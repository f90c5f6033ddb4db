import type { LogFormat } from "../../../src/log/codec.js";
import { integerBelow } from "../../support/seed.js";
import { bytesTarget, type Target, type Verdict } from "../target.js";
import { logCorpus, type LogCorpus } from "./corpus.js";
import { sealed } from "./frames.js";
import { garbage } from "./garbage.js";
import { mutantLog } from "./mutant.js";

export interface LogTargetParts {
  readonly name: string;
  readonly share: number;
  check(bytes: Buffer): Promise<Verdict>;
  end?(): Promise<void>;
}

const FORMATS = [2, 3] as const;
const corpora = new Map<LogFormat, LogCorpus>();

function corpusOf(format: LogFormat): LogCorpus {
  const corpus = corpora.get(format) ?? logCorpus(format);
  corpora.set(format, corpus);
  return corpus;
}

/** A target that is fed with logs, one for each format: whole ones, changed ones under checksums that hold, and garbage. */
export function logTargets({ name, ...parts }: LogTargetParts): Target[] {
  return FORMATS.map((format) =>
    bytesTarget({
      ...parts,
      name: `${name}-v${format}`,
      generate: (random) =>
        integerBelow(random, 8) === 0
          ? garbage(random, format)
          : mutantLog(random, corpusOf(format)),
      mend: sealed,
    }),
  );
}
