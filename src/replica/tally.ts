import type { KvUpdate } from "../values/index.js";
import type { WatchEvent } from "../watch/index.js";

/** What has happened since the replica was opened, to be put on a chart or to be alarmed by. */
export interface ReplicaCounters {
  /** Watches set up: 1 for a replica that never lost one. */
  readonly watches: number;
  /** Of these, those that went on from a position. */
  readonly resumes: number;
  /** Failures of the source that ended a watch or kept one from being set up. */
  readonly failures: number;
  /** How often the source replaced by itself what delivers a watch: a line, a server or a consumer that went away. */
  readonly rebuilds: number;
  /** Repairs finished: the copy was made equal to the whole of the bucket. */
  readonly repairs: number;
  /** Counts of the bucket's keys against the copy's, and those of them that did not agree. */
  readonly counts: number;
  readonly miscounts: number;
  /** Audits finished, by {@link Replica.audit} or after a count that did not agree. */
  readonly audits: number;
  /** Keys that repairs and audits put right. */
  readonly reconciled: number;
  /** Keys removed because the bucket's oldest record is newer than theirs. */
  readonly swept: number;
  /** Keys removed because their time was over, by a marker of the bucket's or by the clock. */
  readonly expired: number;
}

type Counts = { -readonly [Name in keyof ReplicaCounters]: number };

/** Counts what the watch tells. */
export class Tally {
  readonly #counts: Counts = {
    watches: 0,
    resumes: 0,
    failures: 0,
    rebuilds: 0,
    repairs: 0,
    counts: 0,
    miscounts: 0,
    audits: 0,
    reconciled: 0,
    swept: 0,
    expired: 0,
  };

  get counters(): ReplicaCounters {
    return { ...this.#counts };
  }

  /** About to be applied to a copy: the marker of a key that the clock has removed before removes nothing. */
  applying(updates: readonly KvUpdate[], copy: { get(key: string): unknown }): void {
    for (const update of updates) {
      if (update.kind === "put" || update.reason !== "expired") continue;
      if (copy.get(update.key) !== undefined) this.#counts.expired += 1;
    }
  }

  rebuilt(times: number): void {
    this.#counts.rebuilds += times;
  }

  watched(event: WatchEvent): void {
    const counts = this.#counts;
    switch (event.type) {
      case "watching":
        counts.watches += 1;
        if (!event.from.isNone) counts.resumes += 1;
        break;
      case "repair-finished":
        counts.repairs += 1;
        counts.reconciled += event.deleted + event.changed;
        break;
      case "swept":
        counts.swept += event.deleted;
        break;
      case "counted":
        counts.counts += 1;
        if (!event.ok) counts.miscounts += 1;
        break;
      case "audited":
        counts.audits += 1;
        counts.reconciled += event.report.missing + event.report.stale + event.report.extra;
        break;
      case "retrying":
        counts.failures += 1;
        break;
      case "check-failed":
      case "progress":
      case "caught-up":
      case "repair-started":
      case "store-failed":
      case "store-recovered":
      case "store-blocking":
      case "store-unblocked":
        break;
    }
  }
}
