import { MillpondError } from "../../errors/index.js";

export function invalid(message: string): MillpondError {
  return new MillpondError("invalid-argument", message);
}

/** Throws `invalid-argument` for what is no chance: a number from 0 to 1. */
export function checkChance(name: string, chance: number): void {
  if (typeof chance === "number" && chance >= 0 && chance <= 1) return;
  throw invalid(`${name} is ${String(chance)}, and can be a number from 0 to 1`);
}

/** Throws `invalid-argument` for what is no function, as the numbers that somebody may give instead. */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw invalid(`${name} is ${String(value)}, and has to be a function`);
}
