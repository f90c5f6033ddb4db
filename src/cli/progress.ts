/** What one line of progress says. All pure: numbers in, text out. */
export interface Hydration {
  readonly received: number;
  readonly pending: number;
  /** Milliseconds since the first update could have arrived. */
  readonly elapsedMs: number;
}

export interface LiveStatus {
  readonly state: string;
  readonly keys: number;
  readonly cursor: string;
  readonly lag: number;
  readonly updatesPerSecond: number;
  readonly connected: boolean;
  /** How old the copy may be; `undefined`: nothing is known. */
  readonly stalenessMs: number | undefined;
  /** For how long the copy could not be written; `undefined`: it can be. */
  readonly diskFailingMs: number | undefined;
}

const BAR_WIDTH = 24;

/** `[######------]  41 %  12,300 of 30,000 keys  24,100/s  0:01 left`, cut to `width` columns. */
export function hydrationLine({ received, pending, elapsedMs }: Hydration, width: number): string {
  const total = received + pending;
  const done = total === 0 ? 1 : received / total;
  const filled = Math.round(done * BAR_WIDTH);
  const perSecond = elapsedMs > 0 ? (received * 1000) / elapsedMs : 0;
  const left = perSecond > 0 ? duration(pending / perSecond) : "?";
  const line = [
    `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}]`,
    `${Math.floor(done * 100)} %`.padStart(5),
    `${count(received)} of ${count(total)}`,
    `${count(Math.round(perSecond))}/s`,
    `${left} left`,
  ].join("  ");
  return line.slice(0, width - 1);
}

/**
 * `live, connected  30,000 keys  cursor 31234  lag 0  2,000 updates/s`, cut to `width` columns; of a copy that is not live
 * also as of when it was.
 */
export function statusLine(status: LiveStatus, width: number): string {
  const { state, connected, stalenessMs, diskFailingMs } = status;
  const age =
    stalenessMs === undefined ? "of unknown age" : `as of ${duration(stalenessMs / 1000)} ago`;
  const failing =
    diskFailingMs === undefined ? [] : [`DISK FAILING for ${duration(diskFailingMs / 1000)}`];
  const line = [
    `${state}, ${connected ? "connected" : "NOT CONNECTED"}${state === "live" ? "" : `, ${age}`}`,
    ...failing,
    `${count(status.keys)} keys`,
    `cursor ${status.cursor}`,
    `lag ${count(status.lag)}`,
    `${count(Math.round(status.updatesPerSecond))} updates/s`,
  ].join("  ");
  return line.slice(0, width - 1);
}

/** Thousands separated by commas, whatever the machine's locale. */
export function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, "0")}`;
}
