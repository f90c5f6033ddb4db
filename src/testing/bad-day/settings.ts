import { systemRandom } from "../../platform/index.js";
import { checkKey } from "../../values/index.js";
import { checkFunction, invalid } from "../simulation/checks.js";
import { badDayFaults, type BadDayFault, type BadDayOptions } from "./options.js";

const DAY_MS = 86_400_000;
/** Left out unless asked for: after it even a good log may need a person (a header that is none any more). */
const EXTRA: readonly BadDayFault[] = ["bit-rot"];
const PREFIXES = ["edge.eu", "edge.us", "core", "flags"] as const;

/** {@link BadDayOptions} with what was left out filled in. */
export interface Settings extends Required<
  Omit<BadDayOptions, "keys" | "expected" | "seed" | "faults">
> {
  readonly seed: number;
  readonly faults: readonly BadDayFault[];
  readonly keys: readonly string[];
  readonly expected: NonNullable<BadDayOptions["expected"]>;
}

/** Throws `invalid-argument` for what is out of bounds, `invalid-key` for what is no key. */
export function settingsOf(options: BadDayOptions): Settings {
  if (typeof options !== "object" || options === null) {
    throw invalid("simulateBadDay needs options: { start } at least");
  }
  checkFunction("start", options.start);
  const {
    keys = 40,
    faults = badDayFaults.filter((fault) => !EXTRA.includes(fault)),
    seed = Math.floor(systemRandom() * 2 ** 31),
  } = options;
  const settings: Settings = {
    start: options.start,
    expected: options.expected ?? ((bucket) => bucket),
    seed,
    faults,
    durationMs: options.durationMs ?? 600_000,
    keys: typeof keys === "number" ? madeUp(keys) : keys,
    value: options.value ?? ((_, serial) => `v${serial}`),
    updatesPerSecond: options.updatesPerSecond ?? 5,
    bucket: options.bucket ?? {},
    convergeMs: options.convergeMs ?? 180_000,
    maxReruns: options.maxReruns ?? 60,
  };
  checkNumber("seed", seed, -(2 ** 53), 2 ** 53);
  checkNumber("durationMs", settings.durationMs, 1000, DAY_MS);
  checkNumber("keys", settings.keys.length, 1, 10_000);
  checkNumber("convergeMs", settings.convergeMs, 1, DAY_MS);
  checkNumber("maxReruns", settings.maxReruns, 0, 10_000);
  const { updatesPerSecond } = settings;
  if (!(updatesPerSecond > 0 && updatesPerSecond <= 1000)) {
    throw invalid(`updatesPerSecond is ${updatesPerSecond}, and can be above 0, up to 1000`);
  }
  for (const key of settings.keys) checkKey(key);
  for (const fault of faults) {
    if (!badDayFaults.includes(fault)) throw invalid(`there is no fault "${fault}"`);
  }
  return settings;
}

function madeUp(count: number): string[] {
  checkNumber("keys", count, 1, 10_000);
  return Array.from({ length: count }, (_, index) => {
    const prefix = PREFIXES[index % PREFIXES.length] ?? "";
    return `${prefix}.${Math.floor(index / PREFIXES.length)}`;
  });
}

function checkNumber(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(`${name} is ${value}, and can be a whole number from ${least} to ${most}`);
}
