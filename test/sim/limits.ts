import type { ReplicaStatus } from "../../src/replica/index.js";
import type { SimulatedLink } from "../../src/testing/simulation/simulated-link.js";
import type { World } from "./world.js";

/** After which a silent line must have been noticed, and since when it must have been live before. */
const SILENCE_MS = 4000;
const SETTLED_MS = 2500;
/** A replica looks at the bucket every half a minute. */
const CLOCK_KNOWN_MS = 36_000;

/** A copy at one moment. */
interface Seen {
  readonly status: ReplicaStatus;
  readonly link: SimulatedLink;
  /** Since when it is live, by the common time. */
  readonly liveSince: number;
}

/** A copy whose line is known to be lost does not say that it is live. */
export function checkLine(world: World, { status }: Seen): void {
  if (status.connected || status.state !== "live") return;
  world.found("9 live ends with the line", "it is lost");
}

/** A copy that hears nothing does not go on saying that it is live. */
export function checkSilence(world: World, { status, liveSince }: Seen): void {
  const isSilent = world.now() - world.line.silentSince > SILENCE_MS;
  if (!isSilent || status.state !== "live" || world.clockSetAt >= world.line.silentSince) return;
  // Before it has heard a word without news it does not expect any.
  if (world.line.silentSince - liveSince < SETTLED_MS) return;
  world.found("9 live ends with the line", `silent since ${world.line.silentSince % 1e8}`);
}

/** What was handed over to it and is not stored yet has a limit. */
export function checkQueue(world: World, { status: { cursor }, link }: Seen): void {
  if (cursor.isNone) return;
  const { queueCapacity, maxUpdates, maxHeldUpdates } = world.config.replica;
  const most = queueCapacity + 2 * maxUpdates + maxHeldUpdates + 3 * link.largestBatch;
  const waiting = link.updatesBeyond(cursor);
  if (waiting <= most) return;
  world.found("8 every queue is bounded", `${waiting} wait, and at most ${most} may`);
}

/** Once it was live for so long it must have looked at the bucket's time since. */
export function noteClock(world: World, { status, liveSince }: Seen, startedAt: number): void {
  const since = Math.max(
    world.clockSetAt,
    world.line.upAt,
    world.line.heardAt,
    startedAt,
    liveSince,
  );
  if (status.state === "live" && world.now() - since > CLOCK_KNOWN_MS) world.isClockKnown = true;
}
