import type { FigureOf, Part } from "./part.js";
import type { SubjectResult } from "./run-part.js";

export interface Summary {
  readonly part: string;
  readonly about: string;
  readonly rows: readonly Row[];
  readonly targets: readonly Verdict[];
}

export interface Row {
  readonly subject: string;
  /** By the name of the metric. */
  readonly figures: Readonly<Record<string, Figure>>;
  /** The first metric over that of each baseline. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Why there are no figures. */
  readonly without?: string;
}

export interface Figure {
  readonly unit: string;
  readonly median: number;
  readonly values: readonly number[];
}

export interface Verdict {
  readonly target: string;
  /** Left out where a figure is missing. */
  readonly measured?: number;
  readonly met?: boolean;
}

export function summarise(part: Part, results: readonly SubjectResult[]): Summary {
  const figureOf = ([subject, metric]: FigureOf): number | undefined => {
    const runs = results.find((result) => result.subject === subject)?.runs ?? [];
    return medianOf(valuesOf(runs, metric));
  };
  const first = part.metrics[0]?.name ?? "";
  return {
    part: part.name,
    about: part.about,
    rows: results.map(({ subject, runs, without }) => ({
      subject,
      figures: Object.fromEntries(
        part.metrics.flatMap(({ name, unit }) => {
          const values = valuesOf(runs, name);
          const median = medianOf(values);
          return median === undefined ? [] : [[name, { unit, median, values }]];
        }),
      ),
      ratios: Object.fromEntries(
        part.baselines.flatMap((baseline) => {
          const ratio = quotient(figureOf([subject, first]), figureOf([baseline, first]));
          return ratio === undefined ? [] : [[baseline, ratio]];
        }),
      ),
      ...(without === undefined ? {} : { without }),
    })),
    targets: part.targets.map(({ text, value, over, most = Infinity, least = -Infinity }) => {
      const measured =
        over === undefined ? figureOf(value) : quotient(figureOf(value), figureOf(over));
      if (measured === undefined) return { target: text };
      return { target: text, measured, met: measured <= most && measured >= least };
    }),
  };
}

function valuesOf(runs: SubjectResult["runs"], metric: string): number[] {
  return runs.map((figures) => figures[metric]).filter((value) => value !== undefined);
}

function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

function quotient(value: number | undefined, over: number | undefined): number | undefined {
  return value === undefined || over === undefined || over === 0 ? undefined : value / over;
}
