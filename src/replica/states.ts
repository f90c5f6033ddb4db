/**
 * How the copy stands to the bucket.
 *
 * - `loading`: the copy is being read from the disk; there is no replica to ask yet, only its events.
 * - `syncing`: a watch is being set up or is catching up, or the line is back and nothing has said yet that the copy is level.
 * - `live`: level with the bucket since the watch was set up and the line came back, and following.
 * - `stale`: the bucket cannot be followed at the moment, the line to it is down, nothing has been heard from it for some seconds,
 *   or nothing more is taken from it until the disk works; reads go on from what there is.
 * - `repairing`: the copy is being compared with the whole of the bucket.
 * - `failed`: stopped for good, see `lastError`; reads go on.
 * - `closed`
 */
export type ReplicaState =
  "loading" | "syncing" | "live" | "stale" | "repairing" | "failed" | "closed";

/** Where the watch stands, whatever the line does. `silent`: it was live, and nothing has been heard since. */
export type WatchStanding = ReplicaState | "silent";

/** What moves a replica from state to state. */
export type StateEvent =
  | "opened"
  | "watching"
  /** All that the source has is applied. */
  | "level"
  /** Nothing is followed until the next `watching`. */
  | "lost"
  /** The line was lost, or the store blocks: what comes first afterwards is what was missed. */
  | "interrupted"
  /** Nothing was heard for longer than a source keeps silent. */
  | "silent"
  | "repair-started"
  | "repair-finished"
  | "failed"
  | "closed";

type Transitions = Readonly<Record<StateEvent, WatchStanding>>;

/** From `standing`, unless told otherwise. */
function following(
  standing: WatchStanding,
  unlike: Partial<Record<StateEvent, WatchStanding>> = {},
): Transitions {
  return {
    opened: "syncing",
    watching: "syncing",
    level: standing,
    lost: "stale",
    interrupted: standing,
    silent: standing,
    "repair-started": "repairing",
    "repair-finished": "syncing",
    failed: "failed",
    closed: "closed",
    ...unlike,
  };
}

/** Every event has an answer in every state: the compiler refuses a table with a gap. */
const table: Readonly<Record<WatchStanding, Transitions>> = {
  // Nothing but `opened` and `failed` can come before there is a watch.
  loading: following("loading"),
  syncing: following("syncing", { level: "live" }),
  // A line that comes back brings first what was missed: until the source has said so, nothing says that the copy is the bucket.
  live: following("live", { interrupted: "syncing", silent: "silent" }),
  silent: following("silent", { level: "live", interrupted: "syncing" }),
  // A word that was under way when the watch was lost proves nothing any more.
  stale: following("stale"),
  // A repair is a watch too, and ends only once what has vanished is gone.
  repairing: following("repairing", { watching: "repairing" }),
  // Only closing leaves it: a late word of a watch that was given up must not call the copy good again.
  failed: stuckIn("failed"),
  closed: stuckIn("closed"),
};

export function nextStanding(standing: WatchStanding, event: StateEvent): WatchStanding {
  return table[standing][event];
}

/** What is told of a replica: while nothing can flow (no line, or a store that blocks) a copy is stale, whatever its watch is about. */
export function shownState(standing: WatchStanding, flows: boolean): ReplicaState {
  if (standing === "silent") return "stale";
  const follows = standing === "live" || standing === "syncing" || standing === "repairing";
  return follows && !flows ? "stale" : standing;
}

function stuckIn(standing: "failed" | "closed"): Transitions {
  return {
    opened: standing,
    watching: standing,
    level: standing,
    lost: standing,
    interrupted: standing,
    silent: standing,
    "repair-started": standing,
    "repair-finished": standing,
    failed: standing,
    closed: "closed",
  };
}
