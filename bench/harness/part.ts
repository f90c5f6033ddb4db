import type { Dataset } from "../data.js";
import type { PreparedName } from "../prepared.js";

/** Figures that one measurement gives, by the name of the metric; a metric that does not apply is left out. */
export type Figures = Readonly<Record<string, number>>;

export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** Digits after the point; default 0. */
  readonly digits?: number;
}

/** What a measurement is given; it runs in a process of its own. */
export interface Task {
  readonly data: Dataset;
  /** A fresh directory, removed afterwards. */
  readonly directory: string;
  /** The file or directory of this name, made before by {@link Subject.needs}. To be read only. */
  prepared(name: PreparedName): string;
}

/** One thing that is measured. */
export interface Subject {
  readonly name: string;
  readonly needs?: readonly PreparedName[];
  /** A package of bench/peers that has to be there. */
  readonly peer?: string;
  /** Why it is in the table without figures. */
  readonly notApplicable?: string;
  /** Gives this part's figures; throws where it cannot, and the table then says why. */
  measure?(task: Task): Promise<Figures>;
}

/** A figure of a subject, e.g. `["append log and copy", "ns"]`. */
export type FigureOf = readonly [subject: string, metric: string];

/** A promise about figures of one run; it holds where value / over <= most (or >= least). */
export interface Target {
  readonly text: string;
  readonly value: FigureOf;
  /** What the value is divided by; left out: the value itself counts. */
  readonly over?: FigureOf;
  readonly most?: number;
  readonly least?: number;
}

/** One table: everything in it is measured in turns, so that a drift of the machine hits all alike. */
export interface Part {
  readonly name: string;
  /** What is measured, in a sentence. */
  readonly about: string;
  readonly metrics: readonly Metric[];
  readonly subjects: readonly Subject[];
  /** The subjects to which every other one is set in relation, by their first metric. */
  readonly baselines: readonly string[];
  readonly targets: readonly Target[];
}
