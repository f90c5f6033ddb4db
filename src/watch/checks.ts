import { type Random, sleep, steadyNow } from "../platform/index.js";
import {
  auditIsDue,
  backoffDelay,
  countGap,
  countVerdict,
  type CountVerdict,
  growOld,
  type KnownCount,
} from "../rules/index.js";
import type { AuditParts } from "./audit.js";
import type { AuditReport, WatchEvent } from "./events.js";
import { inSlices } from "./in-slices.js";
import type { Lane } from "./lane.js";
import type { WatchLimits } from "./limits.js";
import { orAbort } from "./or-abort.js";

/** A count that differs, of records that grow old, is taken once more after this: they do not go at the same instant here and there. */
const RECOUNT_MS = 2000;
/** How long the flow may take to come as far as the bucket was when it was counted; else the count proves nothing. */
const LONGEST_LAG_MS = 10_000;
/** Intervals between audits that find nothing, though the same number of records differs, grow up to this. */
const MOST_QUIET_INTERVALS = 64;

/** What a count says, and by how many records it is off. */
interface Counted {
  readonly verdict: CountVerdict;
  readonly gap: number;
}
const UNPROVEN: Counted = { verdict: "unproven", gap: 0 };

export interface CheckParts extends AuditParts {
  readonly limits: WatchLimits;
  readonly random: Random;
  readonly lane: Lane;
  readonly emit: (event: WatchEvent) => void;
  /** One audit at a time. */
  readonly audit: (signal: AbortSignal) => Promise<AuditReport>;
}

/**
 * Counts the bucket's keys against those known, once a watch has caught up and then every so often, and has the copy audited where
 * {@link auditIsDue} says so. A source that cannot be asked is asked again at the next interval, or with the next watch; after a
 * moment where it was hurried.
 */
export class Checks {
  readonly #parts: CheckParts;
  readonly #signal: AbortSignal;
  #outOfScope: { readonly count: number; readonly repairs: number } | undefined;
  #unproven = 0;
  #quietAudits = 0;
  #intervalsToAudit = 0;
  /** By how many records the count was off that led to an audit that found nothing. */
  #explainedGap = 0;
  #isAuditDue = false;
  /** When one is due though nothing gives cause, by the steady clock; `undefined`: not set yet since the last. */
  #auditDueAt: number | undefined;
  #isHurried = false;
  /** Since it was last hurried, no check has come to an end that says how things stand. */
  #isOpen = false;
  #failures = 0;

  constructor(parts: CheckParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** What is known may be of no use, or markers may have come and gone unseen: the next check is an audit, and comes at once. */
  distrust(): void {
    this.#isAuditDue = true;
    this.hurry();
  }

  /** Whether something may have been lost without a word, and it is not known yet that nothing was. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Markers may have come and gone while nobody listened: a check is due at once. */
  hurry(): void {
    this.#isHurried = true;
    this.#isOpen = true;
    this.#parts.flow.changed();
  }

  /** Until the watch ends. Throws nothing but an abort's reason. */
  async run(): Promise<void> {
    const { flow, limits, random, clock } = this.#parts;
    while (await flow.until(() => flow.isCaughtUp, this.#signal)) {
      const { watches } = flow;
      this.#isHurried = false;
      await this.#checkOnce();
      const chance = random();
      // Spread, so that a fleet which started together does not ask together.
      const spread = 0.75 + chance / 2;
      this.#auditDueAt ??= steadyNow(clock) + limits.auditIntervalMs * spread;
      const delayMs = this.#isOpen
        ? backoffDelay(limits.retry, this.#failures, chance)
        : Math.round(limits.countIntervalMs * spread);
      const isEarly = (): boolean => this.#isHurried || flow.watches !== watches;
      await flow.until(isEarly, this.#signal, delayMs);
    }
  }

  async #checkOnce(): Promise<void> {
    try {
      const isDone = await this.#check();
      this.#isOpen &&= this.#isHurried || !isDone;
      this.#failures = isDone ? 0 : this.#failures + 1;
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#failures += 1;
      this.#parts.emit({ type: "check-failed", error });
    }
  }

  /** Whether it is known now that nothing was lost. */
  async #check(): Promise<boolean> {
    const { bucket, clock, emit, known } = this.#parts;
    if (this.#isAuditDue || steadyNow(clock) >= (this.#auditDueAt ?? Infinity)) {
      await this.#audit();
      return true;
    }
    // What the bucket forgot is in the copy on purpose: no number says anything, and only a listing whether something is missing.
    // A resume is distrusted.
    if (bucket.retains) {
      if (this.#isOpen) await this.#audit();
      return true;
    }
    let { verdict, gap } = await this.#count();
    if (verdict === "differs" && growOld(bucket.ageLimits)) {
      await sleep(clock, RECOUNT_MS, this.#signal);
      ({ verdict, gap } = await this.#count());
    }
    this.#unproven = verdict === "unproven" ? this.#unproven + 1 : 0;
    if (verdict !== "unproven") emit({ type: "counted", ok: verdict === "equal" });
    if (verdict === "equal") {
      this.#quietAudits = 0;
      this.#intervalsToAudit = 0;
    }
    if (!auditIsDue(verdict, known.isExact, this.#unproven)) return verdict === "equal";
    this.#intervalsToAudit -= 1;
    const isExplained = verdict !== "differs" || gap === this.#explainedGap;
    if (isExplained && this.#intervalsToAudit > 0 && !this.#isOpen) return false;
    const hasFound = await this.#audit();
    this.#quietAudits = hasFound ? 0 : this.#quietAudits + 1;
    this.#intervalsToAudit = Math.min(2 ** this.#quietAudits - 1, MOST_QUIET_INTERVALS);
    this.#explainedGap = hasFound ? 0 : gap;
    return true;
  }

  /** Whether it found anything. */
  async #audit(): Promise<boolean> {
    // Before: distrust may come again while it runs, or it may fail.
    this.#isAuditDue = false;
    const auditing = this.#parts.audit(this.#signal);
    auditing.catch(() => {
      this.#isAuditDue = true;
    });
    const { missing, stale, extra } = await auditing;
    this.#unproven = 0;
    this.#auditDueAt = undefined;
    return missing + stale + extra > 0;
  }

  async #count(): Promise<Counted> {
    const { auditor, origin, scope, flow, writer, bucket } = this.#parts;
    const before = await this.#known();
    if (before === undefined) return UNPROVEN;
    const records = await orAbort(auditor.countRecords(scope), this.#signal);
    const facts = origin === undefined ? undefined : await orAbort(origin.read(), this.#signal);
    if (facts !== undefined) bucket.learn(facts);
    const { lastSequence } = facts ?? {};
    const hasPassed = (): boolean =>
      lastSequence === undefined || (writer.position.cursor.toU64() ?? 0n) >= lastSequence;
    if (!(await flow.until(hasPassed, this.#signal, LONGEST_LAG_MS))) return UNPROVEN;
    const after = await this.#known();
    if (after === undefined) return UNPROVEN;
    return {
      verdict: countVerdict(before, after, records),
      gap: countGap(before, after, records),
    };
  }

  /** `undefined` where the store is behind, and its size says little. */
  async #known(): Promise<KnownCount | undefined> {
    const { copy, writer, known, bucket, flow, clock, lane } = this.#parts;
    const { repairs } = flow;
    if (this.#outOfScope?.repairs !== repairs) {
      let count = 0;
      await inSlices(copy.outOfScope(), clock, this.#signal, (isOut) => {
        if (isOut) count += 1;
      });
      this.#outOfScope = { count, repairs };
    }
    const outOfScope = this.#outOfScope.count;
    // Between two flushes: what is held then is held because the store fails.
    return lane.run(async () => {
      if (writer.held.size > 0) return undefined;
      return known.count(copy.storedSize - outOfScope, bucket.ageLimits, bucket.timeMs);
    });
  }
}
