import type { BucketInfo, WatchScope } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import { mayResume } from "../rules/index.js";
import type { SnapshotStore } from "../store/index.js";
import { WatchCursor } from "../values/index.js";
import { BucketLooks } from "./bucket-looks.js";
import { ChangeFeed } from "./change-feed.js";
import { CurrentCopy } from "./current-copy.js";
import { Expiry } from "./expiry.js";
import { Following } from "./following.js";
import type { ReplicaOptions } from "./options.js";
import { ReplicaOrigin } from "./origin.js";
import type { OriginNote } from "./origin-note.js";
import type { Progress } from "./progress.js";
import { RunningReplica } from "./running-replica.js";
import { levelAtOf, type Seen, type SeenFile } from "./seen.js";
import { SeenKeeper } from "./seen-keeper.js";
import { ServerTime } from "./server-time.js";
import { VisibleCopy } from "./visible-copy.js";

export interface Loaded {
  readonly options: ReplicaOptions;
  readonly scope: WatchScope;
  /** The scope's, as `prefixesOf` gives them. */
  readonly prefixes: readonly string[];
  readonly store: SnapshotStore;
  readonly note: OriginNote;
  readonly seenFile: SeenFile;
  /** What was in it. */
  readonly seen: Seen | undefined;
  readonly progress: Progress;
  readonly clock: Clock;
}

/** Puts a replica together from what was read of the disk, and begins to follow the bucket. */
export function assemble(loaded: Loaded): RunningReplica {
  const { options, scope, prefixes, store, note, progress, clock } = loaded;
  const seen = ofThisCopy(loaded);
  const time = new ServerTime(clock, seen?.offsetMs);
  const expiry = new Expiry(options.expiry ?? "mirror", time, seen?.limits);
  const copy = new CurrentCopy(store, note);
  const looks = new BucketLooks(options.source, clock, time, (info) => looked(info));
  const keeper = new SeenKeeper(loaded.seenFile, clock, () => describe());
  if (isOfSource(loaded)) {
    const levelAt = levelAtOf(seen, note.text, store.cursor());
    progress.freshness.provenEarlier(levelAt);
    if (levelAt !== undefined && seen !== undefined) progress.wholeUpTo(seen.cursor);
  }
  progress.move("opened");
  const feed = new ChangeFeed();
  const origin = new ReplicaOrigin(() => looks.look(), copy, prefixes, note, expiry.mode);
  const following = new Following({
    options,
    scope,
    copy,
    origin,
    progress,
    feed,
    expiry,
    looks,
    keeper,
    clock,
  });
  const visible = new VisibleCopy(copy, expiry);
  return new RunningReplica({ copy, visible, progress, feed, following, signal: options.signal });

  function looked({ limits, lastSequence }: BucketInfo): void {
    progress.looked(WatchCursor.fromU64(lastSequence));
    if (expiry.limitTo(limits)) following.limitsChanged();
    keeper.touch();
  }

  function describe(): Seen | undefined {
    const { text } = note;
    const { limits } = expiry;
    const { offsetMs } = time;
    if (text === undefined || limits === undefined || offsetMs === undefined) return undefined;
    const { cursor, at } = progress.level ?? { cursor: WatchCursor.none, at: undefined };
    return { origin: text, cursor, levelAt: at, offsetMs, limits };
  }
}

/** What another copy's replica saw says nothing of this one's bucket. */
function ofThisCopy({ seen, note }: Loaded): Seen | undefined {
  return seen !== undefined && seen.origin === note.text ? seen : undefined;
}

/** Whether the copy is, by name, of the bucket and the keys that are asked for. Of which making, only the bucket can say. */
function isOfSource({ store, note, options, prefixes }: Loaded): boolean {
  const { identity } = note;
  if (identity === undefined || store.cursor().isNone) return false;
  const asked = { bucket: options.source.name, created: identity.created, scope: prefixes };
  return mayResume(identity, asked) === "yes";
}
