import * as rules from "../../src/rules/index.js";
import type { Bounds } from "./happenings.js";
import type { Model, Rules } from "./rules-in-play.js";

/** A rule, broken in a way that somebody could break it. */
export interface Variant {
  readonly rule: keyof Rules;
  /** What it does wrong. */
  readonly wrong: string;
  readonly broken: Partial<Rules>;
  /**
   * Where other defences make up for the broken rule, the search goes without them, and only with the losses that the rule is there
   * for: then it is this rule alone that keeps the copy right.
   */
  readonly without?: Partial<Rules>;
  /** Default true. */
  readonly counts?: boolean;
  readonly bounds: Bounds;
}

const noFloor: Partial<Rules> = { removalBelowFloor: () => undefined };
const noBacking: Partial<Rules> = { bucketAccountsFor: () => true };
const noTime: Partial<Rules> = { isRolledBack: () => false };

const small: Bounds = { keys: 2, appends: 3, losses: 1, faults: 1 };

const aging: Bounds = { keys: 2, appends: 2, losses: 0, faults: 0, ticks: 1 };

export const variants: readonly Variant[] = [
  {
    rule: "resumeIsSound",
    wrong: "does not look where the stream begins",
    broken: { resumeIsSound: (revision, { lastSequence }) => revision <= lastSequence },
    without: { ...noFloor, ...noBacking },
    counts: false,
    bounds: { ...small, only: ["overrun"], onlyWhileDown: true },
  },
  {
    rule: "resumeIsSound",
    wrong: "lets one message be missing",
    broken: {
      resumeIsSound: (revision, window) => rules.resumeIsSound(revision + 1n, window),
    },
    without: { ...noFloor, ...noBacking },
    counts: false,
    bounds: { ...small, only: ["overrun"], onlyWhileDown: true },
  },
  {
    rule: "mayResume",
    wrong: "goes by the bucket's name only",
    broken: { mayResume: () => "yes" },
    without: noTime,
    counts: false,
    bounds: { ...small, only: ["make again"] },
  },
  {
    rule: "bucketAccountsFor",
    wrong: "accepts a bucket that was emptied",
    broken: noBacking,
    without: noFloor,
    counts: false,
    bounds: { ...small, only: ["purge all"], onlyWhileDown: true },
  },
  {
    rule: "isRolledBack",
    wrong: "takes any record at a position for the one that was there",
    broken: noTime,
    bounds: { ...small, losses: 2, only: ["roll back"] },
  },
  {
    rule: "dropsUnseen",
    wrong: "keeps what a repair has not seen",
    broken: { dropsUnseen: () => false },
    counts: false,
    bounds: { ...small, only: ["make again"] },
  },
  {
    rule: "removalBelowFloor",
    wrong: "keeps what lies below the floor",
    broken: noFloor,
    counts: false,
    bounds: { ...small, only: ["purge all"] },
  },
  {
    rule: "sameRecord",
    wrong: "goes by the version only",
    broken: { sameRecord: (held, delivered) => held.version.equals(delivered.version) },
    bounds: { ...small, only: ["make again"] },
  },
  {
    rule: "countVerdict",
    wrong: "compares without knowing all removals",
    broken: {
      countVerdict: (before, after, records) =>
        rules.countVerdict({ ...before, isExact: true }, { ...after, isExact: true }, records),
    },
    bounds: { ...small, only: ["lose one"] },
  },
  {
    rule: "countVerdict",
    wrong: "compares with what was known before the question only",
    broken: {
      countVerdict: (before, _, records) => rules.countVerdict(before, before, records),
    },
    bounds: { ...small, only: ["lose one"] },
  },
  {
    rule: "auditIsDue",
    wrong: "waits for a count that differs",
    broken: { auditIsDue: (verdict) => verdict === "differs" },
    bounds: { ...small, only: ["lose one"] },
  },
  {
    rule: "judgeKey",
    wrong: "does not see that a record is another",
    broken: {
      judgeKey: (held, record) => {
        const verdict = rules.judgeKey(held, record);
        return verdict === "stale" ? "same" : verdict;
      },
    },
    bounds: { ...small, losses: 2, only: ["roll back"] },
  },
  {
    rule: "judgeKey",
    wrong: "does not see what only the copy has",
    broken: {
      judgeKey: (held, record) => {
        const verdict = rules.judgeKey(held, record);
        return verdict === "extra" ? "same" : verdict;
      },
    },
    bounds: { ...small, only: ["lose one"] },
  },
  {
    rule: "mayResume",
    wrong: "resumes in a wider scope",
    broken: {
      mayResume: (stored, actual) =>
        rules.mayResume(stored === undefined ? undefined : { ...stored, scope: [] }, {
          ...actual,
          scope: [],
        }),
    },
    counts: false,
    bounds: { ...small, appends: 2, losses: 0, scope: "widens" },
  },
  {
    rule: "laterCursor",
    wrong: "has an audit judge before the flow has come as far as the listing",
    broken: { laterCursor: (position) => position },
    bounds: { ...small, losses: 0, appends: 3, faults: 1, races: true },
  },
  {
    rule: "expiresAtMs",
    wrong: "lets nothing expire",
    broken: { expiresAtMs: () => Infinity },
    bounds: { ...aging, forgets: "time to live" },
  },
  {
    rule: "countVerdict",
    wrong: "leaves out what may have expired",
    broken: {
      countVerdict: (before, after, records) =>
        rules.countVerdict({ ...before, unsure: 0 }, { ...after, unsure: 0 }, records),
    },
    bounds: { ...aging, losses: 1, only: ["lose one"], forgets: "age" },
  },
  {
    rule: "outlives",
    wrong: "takes what somebody deleted for expired",
    broken: { outlives: (_, evictions) => evictions === "retain" },
    without: noTime,
    bounds: { ...small, losses: 2, only: ["roll back"], evictions: "retain" },
  },
  {
    rule: "dropsUnseen",
    wrong: "retains what is of another making of the bucket",
    broken: { dropsUnseen: (_, evictions, limits) => rules.dropsUnseen(false, evictions, limits) },
    bounds: { ...small, only: ["make again"], evictions: "retain" },
  },
];

/** The rules as they are, with the same defences missing: so nothing must be found. */
export function modelWithout({ without, counts = true }: Variant): Model {
  return { rules: { ...rules, ...without }, counts };
}

export function modelWith(variant: Variant): Model {
  const { rules: others, counts } = modelWithout(variant);
  return { rules: { ...others, ...variant.broken }, counts };
}
