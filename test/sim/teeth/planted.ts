import process from "node:process";
import { undone } from "../found/undone.js";
import type { Planted } from "./fault.js";
import { faults } from "./faults/index.js";

/** What `MILLPOND_FAULT` names: a deliberate fault, or what undoes a mend. `undefined` where that is not set. Throws where there is none of that name. */
export function plantedHere(): Planted | undefined {
  const id = process.env["MILLPOND_FAULT"];
  if (id === undefined) return undefined;
  const planted = [...faults, ...undone].find((one) => one.id === id);
  if (planted === undefined) throw new Error(`there is no fault ${id}`);
  return planted;
}

/** Throws unless what is loaded has it. */
export function requirePlanted(planted: Planted | undefined): void {
  const made = (globalThis as { readonly millpondEdits?: number }).millpondEdits ?? 0;
  const edits = planted?.edits.length ?? 0;
  if (made !== edits) throw new Error(`of ${edits} edits ${made} were made`);
}
