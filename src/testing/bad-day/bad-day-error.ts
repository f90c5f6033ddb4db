import { inspect } from "node:util";
import type { Day, Failure } from "./day.js";
import type { StateDifference } from "./options.js";
import { lineOf, type Told } from "./story.js";

const SHOWN_DIFFERENCES = 5;
const SHOWN_LINES = 40;

/** The consumer was not right once the faults had ended: see `message`. */
export class BadDayError extends Error {
  /** Runs the same day again. */
  readonly seed: number;
  /** All keys that differ. Empty where the state could not be had. */
  readonly differences: readonly StateDifference[];
  /** All that happened on the shortest day on which it goes wrong that was found, a line each with its virtual time. */
  readonly story: readonly string[];

  /** `plannedFaults`: of the day as its seed makes it; `note`: what is to be said of running it again. */
  constructor(day: Day, failure: Failure, note: string) {
    const { told } = day.story;
    super(messageOf(day, failure, note));
    this.name = "BadDayError";
    this.seed = day.settings.seed;
    this.differences = failure.differences;
    this.story = told.map(lineOf);
  }
}

function messageOf(day: Day, { problem, differences }: Failure, note: string): string {
  const { convergeMs, seed } = day.settings;
  const what = problem === undefined ? "its state is not right" : problem;
  return [
    `${convergeMs} ms after all faults had ended, ${what} (seed ${seed})`,
    ...differences.slice(0, SHOWN_DIFFERENCES).map(differenceLine),
    ...more(differences.length - SHOWN_DIFFERENCES, "keys"),
    "",
    `What it takes, in virtual time. ${note}`,
    ...storyLines(day.story.told, differences[0]?.key),
    "",
    `The same again: simulateBadDay({ seed: ${seed}, … })`,
  ].join("\n");
}

function differenceLine({ key, expected, actual }: StateDifference): string {
  return `  ${key}: it should have ${shown(expected)}, and has ${shown(actual)}`;
}

function shown(value: unknown): string {
  return value === undefined
    ? "nothing"
    : inspect(value, { breakLength: Infinity, depth: 2, maxStringLength: 80 });
}

/** Of the writes only those of the key. */
function storyLines(told: readonly Told[], key: string | undefined): string[] {
  const lines = folded(told.filter((each) => each.key === undefined || each.key === key));
  const left = lines.length - SHOWN_LINES;
  return [...more(left, "lines before"), ...lines.slice(-SHOWN_LINES).map((line) => `  ${line}`)];
}

/** Without the repetitions of a process that is started over and over and does not stay. What was written stands in full: it is what matters. */
function folded(told: readonly Told[]): string[] {
  const lines: string[] = [];
  const recent: string[] = [];
  let repeated = 0;
  const unfold = (): void => {
    if (repeated > 0)
      lines.push(`(and ${repeated} ${repeated === 1 ? "line" : "lines"} like the two before)`);
    repeated = 0;
  };
  for (const each of told) {
    if (each.key !== undefined) {
      unfold();
      recent.length = 0;
      lines.push(lineOf(each));
      continue;
    }
    const kind = each.text.replaceAll(/\d+/g, "0");
    if (recent.includes(kind)) {
      repeated += 1;
      continue;
    }
    unfold();
    recent.push(kind);
    if (recent.length > 2) recent.shift();
    lines.push(lineOf(each));
  }
  unfold();
  return lines;
}

function more(count: number, what: string): string[] {
  return count > 0 ? [`  (and ${count} ${what})`] : [];
}
