// Runs where modules are loaded, in a process that has a fault: gives it the modules with the fault in them.
import type { LoadHook } from "node:module";
import { type Edit, withEdit } from "./fault.js";

let edits: ReadonlyMap<string, readonly Edit[]> = new Map();

export function initialize(given: ReadonlyMap<string, readonly Edit[]>): void {
  edits = given;
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const own = edits.get(url);
  if (own === undefined) return loaded;
  let source = Buffer.from(loaded.source as Uint8Array).toString();
  for (const edit of own) source = withEdit(source, edit);
  // By this whoever runs can tell that the fault is there.
  source += `\nglobalThis.millpondEdits = (globalThis.millpondEdits ?? 0) + ${own.length};\n`;
  return { ...loaded, source };
};
