import type { Replica, ReplicaEvent, ReplicaStatus } from "../replica/index.js";
import type { WatchCursor } from "../values/index.js";
import type { AuditReport } from "../watch/index.js";
import { revisionOf } from "./copy.js";
import { repairFields, sentenceOfRepair } from "./repair-summary.js";
import type { Output } from "./output.js";
import { count, hydrationLine, type LiveStatus, statusLine } from "./progress.js";

const REDRAW_MS = 200;
/** Where nobody watches a line move, a line now and then. */
const REPORT_MS = 5000;

/** Shows what a replica does: a live line on a terminal, a line now and then elsewhere, and events as JSON. */
export class MirrorView {
  readonly #output: Output;
  readonly #startedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #lastReportAt = performance.now();
  #lastReceived = 0;
  #lastTickAt = performance.now();
  #updatesPerSecond = 0;
  #wasLive = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Begins to show the replica's status, until {@link MirrorView.end}. */
  begin(replica: Replica): void {
    this.#timer = setInterval(() => this.#tick(replica), REDRAW_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#output.live("");
  }

  stopped(cursor: WatchCursor, keys: number): void {
    this.#tell(
      { event: "stopped", cursor: cursor.toHex(), keys },
      `stopped: ${count(keys)} keys at cursor ${revisionOf(cursor) ?? "none"}`,
    );
  }

  onEvent(event: ReplicaEvent): void {
    switch (event.type) {
      case "ready":
        this.#onReady(event);
        break;
      case "repair-started":
        this.#tell(
          { event: "repair", reason: event.reason },
          `repairing the copy: ${event.reason}`,
        );
        break;
      case "repair-finished":
        this.#tell(
          { event: "repaired", deleted: event.deleted, changed: event.changed },
          `repaired: ${count(event.changed)} updates applied, ${count(event.deleted)} keys removed that do not belong to the copy any more`,
        );
        break;
      case "log-repaired":
        this.#tell(
          { event: "log-repaired", ...repairFields(event.repair) },
          `the log was damaged: ${sentenceOfRepair(event.repair)}`,
        );
        break;
      case "retrying":
        this.#tell(
          { event: "retrying", ...errorFields(event.error), delayMs: Math.round(event.delayMs) },
          `the bucket cannot be followed, trying again: ${errorFields(event.error).message}`,
        );
        break;
      case "store-failed":
        this.#tell(
          { event: "store-failed", ...errorFields(event.error) },
          `the copy cannot be written, trying again: ${errorFields(event.error).message}`,
        );
        break;
      case "store-recovered":
        this.#tell({ event: "store-recovered" }, "the copy is being written again");
        break;
      case "store-blocking":
        this.#tell(
          { event: "store-blocking" },
          "too much waits to be written: nothing more is taken from the bucket until the copy can be written",
        );
        break;
      case "store-unblocked":
        this.#record({ event: "store-unblocked" });
        break;
      case "state":
        this.#record({ event: "state", state: event.state });
        break;
      case "swept":
        this.#record({ event: "swept", deleted: event.deleted });
        break;
      case "counted":
        this.#record({ event: "counted", ok: event.ok });
        break;
      case "audited":
        this.#onAudited(event.report);
        break;
      case "check-failed":
        this.#record({ event: "check-failed", ...errorFields(event.error) });
        break;
      case "progress":
        break;
    }
  }

  #onAudited({ records, missing, stale, extra }: AuditReport): void {
    const fields = { event: "audited", records, missing, stale, extra };
    if (missing + stale + extra === 0) this.#record(fields);
    else {
      const mended = `${count(missing)} missing, ${count(stale)} stale and ${count(extra)} extra keys`;
      this.#tell(fields, `compared with the bucket: ${mended} were put right`);
    }
  }

  #onReady(event: Extract<ReplicaEvent, { type: "ready" }>): void {
    const { cursor, size, resumed, received } = event;
    const fields = {
      event: "ready",
      cursor: cursor.toHex(),
      keys: size,
      resumed,
      received,
      elapsedMs: Math.round(performance.now() - this.#startedAt),
    };
    const how = resumed
      ? `resumed from its cursor, ${count(received)} updates had been missed`
      : `full copy, ${count(received)} updates received`;
    this.#tell(
      fields,
      `ready: ${count(size)} keys at cursor ${revisionOf(cursor) ?? "none"}; ${how}`,
    );
  }

  #tick(replica: Replica): void {
    const status = replica.status();
    const now = performance.now();
    const elapsed = now - this.#lastTickAt;
    const rate = ((status.received - this.#lastReceived) * 1000) / elapsed;
    // Smoothed over about a second, so that the figure can be read; what came while catching up is no rate of updates.
    if (this.#wasLive) {
      this.#updatesPerSecond += (rate - this.#updatesPerSecond) * Math.min(1, elapsed / 1000);
    }
    this.#wasLive = status.state === "live";
    this.#lastReceived = status.received;
    this.#lastTickAt = now;
    const due = now - this.#lastReportAt >= REPORT_MS;
    if (due) this.#lastReportAt = now;
    if (this.#output.interactive) this.#output.live(this.#line(replica, this.#output.width));
    else if (due && !this.#output.json) this.#output.say(this.#line(replica, Infinity));
    if (due) this.#recordStatus(status);
  }

  #line(replica: Replica, width: number): string {
    const { state, received, lag } = replica.status();
    if (state !== "syncing") return statusLine(this.#live(replica.status()), width);
    const elapsedMs = performance.now() - this.#startedAt;
    return hydrationLine({ received, pending: lag.pending, elapsedMs }, width);
  }

  #live(status: ReplicaStatus): LiveStatus {
    const { state, size, cursor, lag, connected, asOf, store } = status;
    const { failingSince } = store;
    return {
      state,
      keys: size,
      cursor: String(revisionOf(cursor) ?? "none"),
      lag: lag.pending,
      updatesPerSecond: Math.round(this.#updatesPerSecond),
      connected,
      stalenessMs: asOf === undefined ? undefined : Math.max(0, Date.now() - asOf),
      diskFailingMs:
        failingSince === undefined ? undefined : Math.max(0, Date.now() - failingSince),
    };
  }

  #recordStatus(status: ReplicaStatus): void {
    const { state, size, cursor, head, lag, connected, asOf, store, counters } = status;
    this.#record({
      event: "status",
      state,
      keys: size,
      cursor: cursor.toHex(),
      head: head.toHex(),
      lag: lag.pending,
      // JSON has no whole numbers of that size, but no stream is that far ahead.
      behind: lag.sequences === undefined ? undefined : Number(lag.sequences),
      asOf,
      updatesPerSecond: Math.round(this.#updatesPerSecond),
      connected,
      diskFailingSince: store.failingSince,
      ...counters,
    });
  }

  #tell(fields: object, sentence: string): void {
    this.#record(fields);
    this.#output.say(sentence);
  }

  #record(fields: object): void {
    if (this.#output.json) void this.#output.record(fields);
  }
}

function errorFields(error: unknown): { readonly code: string; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "internal";
  return { code, message };
}
