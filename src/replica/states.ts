/**
 * How the copy stands to the bucket.
 *
 * - `loading`: the copy is being read from the disk; there is no replica to ask yet, only its events.
 * - `syncing`: a watch is being set up or is catching up.
 * - `live`: caught up, and following.
 * - `stale`: the bucket cannot be followed at the moment, or the line to it is down; reads go on from what there is.
 * - `repairing`: the keys are being compared with the bucket's.
 * - `failed`: stopped for good, see `lastError`; reads go on.
 * - `closed`
 */
export type ReplicaState =
  "loading" | "syncing" | "live" | "stale" | "repairing" | "failed" | "closed";

/** What moves a replica from state to state. */
export type StateEvent =
  | "opened"
  | "watching"
  | "caught-up"
  | "lost"
  | "repair-started"
  | "repair-finished"
  | "failed"
  | "closed";

type Transitions = Readonly<Record<StateEvent, ReplicaState>>;

const following: Transitions = {
  opened: "syncing",
  watching: "syncing",
  "caught-up": "live",
  lost: "stale",
  "repair-started": "repairing",
  "repair-finished": "syncing",
  failed: "failed",
  closed: "closed",
};

/** Every event has an answer in every state: the compiler refuses a table with a gap. */
const table: Readonly<Record<ReplicaState, Transitions>> = {
  // Nothing but `opened` and `failed` can come before there is a watch.
  loading: following,
  syncing: following,
  live: following,
  stale: following,
  repairing: following,
  // Only closing leaves it: a late word of a watch that was given up must not call the copy good again.
  failed: stuckIn("failed"),
  closed: stuckIn("closed"),
};

export function nextState(state: ReplicaState, event: StateEvent): ReplicaState {
  return table[state][event];
}

/**
 * What is told of a replica whose watch is in `state`. A watch keeps still while the line is down and goes on once it is
 * back, without a word: what it cannot follow meanwhile is stale all the same.
 */
export function shownState(state: ReplicaState, connected: boolean): ReplicaState {
  return !connected && (state === "live" || state === "syncing") ? "stale" : state;
}

function stuckIn(state: "failed" | "closed"): Transitions {
  return {
    opened: state,
    watching: state,
    "caught-up": state,
    lost: state,
    "repair-started": state,
    "repair-finished": state,
    failed: state,
    closed: "closed",
  };
}
