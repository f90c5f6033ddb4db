import type { Random } from "../../src/platform/index.js";
import type { Replica } from "../../src/replica/index.js";
import type { Say } from "./death.js";
import type { Sickness } from "./sickness.js";
import type { ViolationKind } from "./violation.js";

const WELL_MS = 120;
const ILL_MS = 300;
/** Of starts, how many are made on a disk that is ill. */
const ILL_AT_START = 0.3;
/** Until the log has all of it after the disk is well. */
const RECOVERY_MS = 20_000;

/** Has a disk fall ill and get well in turns, and watches how the replica over it bears that. */
export class SickBed {
  readonly #sickness: Sickness;
  readonly #random: Random;
  readonly #recoveryMs: number;
  readonly #say: Say;
  /** When the disk's state changes, and which it is in; `recovering`: well, and the log not yet. */
  #nextAt = Infinity;
  #state: "well" | "ill" | "recovering" = "well";
  #illness = "";
  /** Since when, and at which cursor, the store fails as far as it tells. */
  #failing:
    { readonly since: number; readonly cursor: bigint; readonly received: number } | undefined;
  #failingMs = 0;
  #took = 0;
  #wanted = 0n;
  #wellAt = 0;

  constructor(sickness: Sickness, random: Random, patience: number, say: Say) {
    this.#sickness = sickness;
    this.#random = random;
    this.#recoveryMs = RECOVERY_MS * patience;
    this.#say = say;
  }

  /** Before the copy is opened. An illness that it has then ends by itself, since nobody looks before. */
  begin(): void {
    this.#nextAt = performance.now() + this.#random() * WELL_MS;
    if (this.#random() >= ILL_AT_START) return;
    this.#fallIll();
    setTimeout(() => {
      this.#sickness.getWell();
    }, this.#random() * ILL_MS);
  }

  /** To be called again and again. */
  look(replica: Replica): void {
    this.#checkFrozen(replica);
    const now = performance.now();
    if (this.#state === "recovering") this.#checkRecovered(replica, now);
    else if (now >= this.#nextAt && this.#state === "well") this.#fallIll();
    else if (now >= this.#nextAt) this.#getWell(replica, now);
  }

  #fallIll(): void {
    this.#state = "ill";
    this.#illness = this.#sickness.fallIll();
    this.#failingMs = 0;
    this.#took = 0;
    this.#nextAt = performance.now() + this.#random() * ILL_MS;
  }

  #getWell(replica: Replica, now: number): void {
    const { faults } = this.#sickness;
    this.#sickness.getWell();
    this.#endFailing(replica);
    this.#say({
      said: "well",
      illness: this.#illness,
      faults,
      failingMs: Math.round(this.#failingMs),
      tookMeanwhile: this.#took,
    });
    this.#state = "recovering";
    this.#wellAt = now;
    this.#wanted = newestIn(replica);
  }

  #checkRecovered(replica: Replica, now: number): void {
    const { store, cursor } = replica.status();
    const afterMs = now - this.#wellAt;
    if (store.ok && (cursor.toU64() ?? 0n) >= this.#wanted) {
      this.#state = "well";
      this.#nextAt = now + this.#random() * WELL_MS;
      this.#say({
        said: "recovered",
        afterMs: Math.round(afterMs),
        hadFailed: this.#failingMs > 0,
      });
    } else if (afterMs > this.#recoveryMs) {
      this.#nextAt = Infinity;
      const { lastError } = replica.status();
      this.#violated(
        "stuck",
        `the log lacks ${this.#wanted} at ${cursor.toU64()}: ${String(lastError)}`,
      );
    }
  }

  /** What the replica tells of its store. */
  told(type: "store-failed" | "store-recovered", replica: Replica): void {
    if (type === "store-recovered") return this.#endFailing(replica);
    const { cursor, received } = replica.status();
    this.#failing ??= { since: performance.now(), cursor: cursor.toU64() ?? 0n, received };
  }

  /** While the store fails, that is told, and the position stands still unless a repair withdraws it. */
  #checkFrozen(replica: Replica): void {
    if (this.#failing === undefined) return;
    const { store, cursor } = replica.status();
    if (store.ok || store.failingSince === undefined) {
      this.#violated("wrong", `the store fails, and its state is ${JSON.stringify(store)}`);
    }
    const at = cursor.toU64() ?? 0n;
    const { cursor: frozen } = this.#failing;
    if (at !== frozen && at !== 0n) {
      this.#violated("wrong", `${at} was reported while the store failed at ${frozen}`);
    }
  }

  #endFailing(replica: Replica): void {
    if (this.#failing === undefined) return;
    this.#failingMs += performance.now() - this.#failing.since;
    this.#took += replica.status().received - this.#failing.received;
    this.#failing = undefined;
  }

  #violated(kind: ViolationKind, text: string): void {
    this.#say({ said: "violation", kind, text });
  }
}

/** Of what can be read. */
function newestIn(replica: Replica): bigint {
  let newest = 0n;
  for (const { revision = 0n } of replica.entries()) if (revision > newest) newest = revision;
  return newest;
}
