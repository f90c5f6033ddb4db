import { inspect } from "node:util";

/** All that a log, a debugger or a report could show. */
export function printed(thing: unknown): string {
  const shown = inspect(thing, { depth: 20, showHidden: true, getters: true });
  const json = JSON.stringify(thing, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  const stack = thing instanceof Error ? thing.stack : "";
  return `${shown} ${json} ${String(thing)} ${stack}`;
}
