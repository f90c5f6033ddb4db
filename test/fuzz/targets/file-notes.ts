import assert from "node:assert/strict";
import { pidIn } from "../../../src/platform/writer-lock.js";
import { setAsideName, setAsideOf } from "../../../src/rules/set-aside.js";
import { mutatedText } from "../mutate.js";
import { textTarget, type Verdict } from "../target.js";

const PIDS = [1, 4321, 4_194_304, 4_294_967_295].map((pid) => `${pid}\n`);

/** A lock's note tells the process id that a writer wrote, or none: it is shown to whoever comes second. */
function checkPid(note: string): Verdict {
  const pid = pidIn(note);
  if (pid === undefined) return "refused";
  assert.equal(`${pid}\n`, note, "no writer writes it so");
  return "accepted";
}

const NAME = "copy.snap";
const MOMENT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
/** Of one moment and of others, a file of another log and one that is being written among them. */
const ASIDE = [1, 2, 3, 9, 10, 11, 99].map((count) => setAsideName(NAME, MOMENT, count));
const FOLDER = [
  ...ASIDE,
  setAsideName(NAME, 0, 1),
  setAsideName(NAME, MOMENT - 1, 1),
  setAsideName(NAME, MOMENT + 1, 2),
  setAsideName("other.snap", MOMENT, 1),
  NAME,
  `${NAME}.lock`,
];
/** Names, parted by what none can hold. */
const PART = "\0";
const FOLDERS = [FOLDER, ASIDE, FOLDER.toReversed()].map((names) => names.join(PART));
const COUNT_MAX = 99;

/**
 * Of whatever is in a folder only those are taken for damaged files set aside whose name one could have been given (the oldest of
 * them are removed), and they come in the order in which they were.
 */
function checkAside(text: string): Verdict {
  const names = text.split(PART);
  const found = setAsideOf(NAME, names);
  const when = found.map((name) => {
    const moment = momentIn(name);
    assert.ok(moment !== undefined, `${name} was never given`);
    return moment;
  });
  for (const [index, moment] of when.entries()) {
    const [beforeMs, beforeCount] = when[index - 1] ?? moment;
    const [ms, count] = moment;
    assert.ok(ms > beforeMs || (ms === beforeMs && count >= beforeCount), `${found[index]}`);
  }
  for (const name of names) {
    assert.equal(found.includes(name), momentIn(name) !== undefined, name);
  }
  return found.length > 0 ? "accepted" : "refused";
}

/** When, and as which of its moment, a name was given, found by giving it again. */
function momentIn(name: string): readonly [ms: number, count: number] | undefined {
  const parts = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z(?:-(\d+))?$/.exec(name);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second, milli, counted = 1] = parts.slice(1).map(asNumber);
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
  const ms = Date.parse(`${date}T${pad(hour)}:${pad(minute)}:${pad(second)}.${pad(milli, 3)}Z`);
  if (Number.isNaN(ms) || counted < 1 || counted > COUNT_MAX) return undefined;
  return setAsideName(NAME, ms, counted) === name ? [ms, counted] : undefined;
}

function asNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

function pad(number: number | undefined, width = 2): string {
  return String(number).padStart(width, "0");
}

export const fileNoteTargets = [
  textTarget({
    name: "lock-note",
    share: 1000,
    check: checkPid,
    generate: (random) => mutatedText(random, PIDS),
  }),
  textTarget({
    name: "set-aside",
    share: 500,
    check: checkAside,
    generate: (random) => mutatedText(random, FOLDERS),
  }),
];
