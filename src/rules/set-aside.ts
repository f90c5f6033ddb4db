const INFIX = ".corrupt-";
/** `20260102T030405678Z`, and for a second file of the same millisecond `-2`. */
const TIME = /^\d{8}T\d{9}Z(?:-\d{1,2})?$/;

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
  const start = `${name}${INFIX}`;
  return [...names]
    .filter((other) => other.startsWith(start) && TIME.test(other.slice(start.length)))
    .toSorted();
}
