import type { Random } from "../../src/platform/index.js";
import { integerBelow } from "../support/seed.js";
import type { DeathPlan } from "./orders.js";

/** How and when a mirror is killed. Times in milliseconds. */
export type Manner =
  /** So long after it was told to begin, wherever it is by then. */
  | { readonly kind: "early"; readonly afterMs: number }
  /** So long after it has caught up. */
  | { readonly kind: "live"; readonly afterMs: number }
  /** Once its disk has been ill and its log has all of it again. */
  | { readonly kind: "recovered" }
  /** By itself, at one of its file operations. */
  | { readonly kind: "operation"; readonly death: DeathPlan }
  /** Told to close so long after it has caught up, and killed so long after that, or by itself at one of the operations. */
  | {
      readonly kind: "close";
      readonly afterMs: number;
      readonly thenMs: number;
      readonly death: DeathPlan | undefined;
    }
  /** The command line instead, so long after its start or after it has caught up. */
  | { readonly kind: "command line"; readonly isEarly: boolean; readonly afterMs: number };

const EARLY_MS = 80;
const LIVE_MS = 120;
/** Where the disk is to have the time to fall ill and get well. */
const LIVE_SICK_MS = 1500;
const CLOSE_MS = 10;
const COMMAND_LINE_MS = 500;
const OPERATIONS = 40;
/** Of a compaction there are some fifteen. */
const COMPACTION_OPERATIONS = 20;
const CLOSE_OPERATIONS = 8;
const MOMENTS = ["before", "during", "after"] as const;

/** Of a compaction those after which another file is the log. */
const SWITCHES = ["rename", "syncDirectory", "writeSync"] as const;
const SWITCH_SHARE = 0.5;

/** In hundredths, in this order; the rest are live, or half of them where the disk falls ill, and the other half recovered. */
const SHARES = { commandLine: 4, early: 18, operation: 14, compaction: 38, close: 10 };

export function randomManner(random: Random, isSick: boolean): Manner {
  const liveMs = isSick ? LIVE_SICK_MS : LIVE_MS;
  let dice = random() * 100;
  const falls = (share: number): boolean => (dice -= share) < 0;
  if (falls(SHARES.commandLine)) {
    return { kind: "command line", isEarly: random() < 0.5, afterMs: random() * COMMAND_LINE_MS };
  }
  if (falls(SHARES.early)) return { kind: "early", afterMs: random() * EARLY_MS };
  if (falls(SHARES.operation)) return operation(random, "any", OPERATIONS);
  if (falls(SHARES.compaction)) return operation(random, "compaction", COMPACTION_OPERATIONS);
  if (falls(SHARES.close)) {
    const death = random() < 0.5 ? deathAt(random, "close", CLOSE_OPERATIONS) : undefined;
    return { kind: "close", afterMs: random() * liveMs, thenMs: random() * CLOSE_MS, death };
  }
  if (isSick && random() < 0.5) return { kind: "recovered" };
  return { kind: "live", afterMs: random() * liveMs };
}

function operation(random: Random, scene: DeathPlan["scene"], operations: number): Manner {
  return { kind: "operation", death: deathAt(random, scene, operations) };
}

function deathAt(random: Random, scene: DeathPlan["scene"], operations: number): DeathPlan {
  const moment = MOMENTS[integerBelow(random, MOMENTS.length)] ?? "before";
  if (scene !== "compaction" || random() >= SWITCH_SHARE) {
    return { scene, name: undefined, skip: integerBelow(random, operations), moment };
  }
  return { scene, name: SWITCHES[integerBelow(random, SWITCHES.length)], skip: 0, moment };
}
