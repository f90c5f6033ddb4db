import type { MillpondError } from "../errors/index.js";
import type { Clock, FileSystem, Random } from "../platform/index.js";
import type { WatchCursor } from "../values/index.js";
import type { Replica, ReplicaEntry } from "./replica.js";

/** What {@link openFollower} is given: which copy to read along. */
export interface FollowerOptions {
  /** The directory of a replica, of this process or another one on this machine; or a snapshot log's file. Neither need exist yet. */
  readonly path: string;
  /** Milliseconds from one look at the log to the next. Default 25; at least 1. */
  readonly pollMs?: number;
  /** Called in order and synchronously; must not throw. */
  readonly onEvent?: (event: FollowerEvent) => void;
  /** Closes the follower. */
  readonly signal?: AbortSignal;
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
  /** For the pauses between looks. Default: the machine's own. */
  readonly clock?: Clock;
  /** Seeds the index of the keys in memory. Default: the machine's own. */
  readonly random?: Random;
}

/**
 * A copy that another process keeps, as this one reads it: see {@link Replica} for the reads. It takes no lock, changes nothing on
 * disk, and talks to no server: what is over it shows until its keeper has removed it.
 */
export interface Follower extends AsyncDisposable, Pick<Replica, "size"> {
  /** The key's value, the caller's own; `undefined` where there is none. Throws `closed` after {@link Follower.close}. */
  get(key: string): Uint8Array | undefined;
  /** As {@link Follower.get}, with the version. */
  entry(key: string): ReplicaEntry | undefined;
  /** As {@link Replica.entries}. */
  entries(prefix?: string): Iterable<ReplicaEntry>;
  /**
   * Resolves once a log has been read. Rejects with `closed` when it is closed first, or with the signal's reason. A file that
   * cannot be read, or that is not there, is waited for: `status().problem` says what is wrong with it.
   */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  status(): FollowerStatus;
  /** Gives up the file. Idempotent. Reads throw `closed` afterwards. */
  close(): Promise<void>;
}

/**
 * - `waiting`: no log has been read yet.
 * - `following`: all that the log holds is in the copy.
 * - `behind`: the log, or the file in its place, cannot be read any further; what was read before is served. A log that is damaged
 *   is put right by its writer's next open.
 * - `closed`
 */
export type FollowerState = "waiting" | "following" | "behind" | "closed";

/** A follower at one moment: how far it has read, and what became of the log so far. */
export interface FollowerStatus {
  readonly state: FollowerState;
  /** Everything up to here is in the copy. None while the writer repairs its copy by a key diff. */
  readonly cursor: WatchCursor;
  /** When the source stored the update at the cursor, in milliseconds since the Unix epoch; `undefined` where the log does not say. */
  readonly cursorTimeMs: number | undefined;
  readonly size: number;
  /** When the log was last written to, in milliseconds since the Unix epoch. Long ago: its writer may be gone, or its bucket idle. */
  readonly modifiedMs: number | undefined;
  /** Whether a writer holds the log, as of a second ago at most; `undefined` where that cannot be told (macOS, BSD). */
  readonly hasWriter: boolean | undefined;
  /** Why the log cannot be read further; `undefined` while it can. */
  readonly problem: MillpondError | undefined;
  /** How often a file was read from its start: once, and after a compaction that was met too late, or a repair. */
  readonly loads: number;
  /** How often a compacted file was gone over to without reading it. */
  readonly jumps: number;
  /** How often the log itself went back: damage was cut away, a batch that failed taken back, or its position withdrawn. */
  readonly wentBack: number;
}

/** What a follower tells. */
export type FollowerEvent =
  /** `status().state` has changed. */
  | { readonly type: "state"; readonly state: FollowerState; readonly previous: FollowerState }
  /** The log was read for the first time. */
  | { readonly type: "ready"; readonly cursor: WatchCursor; readonly size: number }
  /** New data can be read. Once a look, however much came. */
  | { readonly type: "changed"; readonly cursor: WatchCursor }
  /** The log itself went back: damage was cut away, a batch that failed taken back, or its position withdrawn. */
  | { readonly type: "went-back"; readonly from: WatchCursor; readonly to: WatchCursor };
