const INFIX = ".corrupt-";
/** `20260102T030405678Z`, and for a second file of the same millisecond `-2`. */
const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z(?:-(\d{1,2}))?$/;

/**
 * The name under which a damaged file is kept: its own, and when that was (milliseconds since the Unix epoch, shown in UTC), in
 * characters that every file system takes. `count` (from 1) tells apart what the same millisecond brings.
 */
export function setAsideName(name: string, timeMs: number, count: number): string {
  const time = new Date(timeMs).toISOString().replaceAll(/[-:.]/g, "");
  return `${name}${INFIX}${time}${count === 1 ? "" : `-${count}`}`;
}

/** Those of `names` that {@link setAsideName} gives to damaged files called `name`, the oldest first. */
export function setAsideOf(name: string, names: Iterable<string>): string[] {
  return [...names]
    .flatMap((other) => momentOf(name, other) ?? [])
    .toSorted((a, b) => a.timeMs - b.timeMs || a.count - b.count)
    .map(({ other }) => other);
}

interface Moment {
  readonly other: string;
  readonly timeMs: number;
  readonly count: number;
}

/** `undefined` for a name that only looks like one: files are removed by these. */
function momentOf(name: string, other: string): Moment | undefined {
  const start = `${name}${INFIX}`;
  const parts = other.startsWith(start) ? TIME.exec(other.slice(start.length)) : null;
  if (parts === null) return undefined;
  const [time, year, month, day, hour, minute, second, milli] = parts;
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milli}Z`);
  const count = Number(parts[8] ?? 1);
  const isGiven =
    count >= 1 && !Number.isNaN(timeMs) && setAsideName(name, timeMs, count) === start + time;
  return isGiven ? { other, timeMs, count } : undefined;
}
