import type { Clock } from "../platform/index.js";
import { isOlder, laterCursor, removalBelowFloor } from "../rules/index.js";
import { type KvEntry, type KvRemoval, VersionToken, WatchCursor } from "../values/index.js";
import type { BucketKnowledge } from "./bucket-knowledge.js";
import type { CopyView } from "./copy-view.js";
import { inSlices } from "./in-slices.js";

/** Entries that are remembered as the next to fall below a floor, so that a floor that moves a little costs no scan. */
const MOST_NEXT = 16_384;

type Aged = Pick<KvEntry, "key" | "version">;

/**
 * Finds the entries that a bucket's floor has left behind. A scan of the copy also finds the oldest that stay, and from where on it knows
 * of none: a floor below that is answered without another one.
 */
export class FloorSweep {
  readonly #copy: CopyView;
  readonly #bucket: BucketKnowledge;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #floor = WatchCursor.none;
  /** The latest that was told while none counted. */
  #told: WatchCursor | undefined;
  /** The oldest entries, ascending by version: all that are older than `#knownUpTo`, except those that changed since. */
  #next: readonly Aged[] = [];
  #knownUpTo = WatchCursor.none;

  constructor(copy: CopyView, bucket: BucketKnowledge, clock: Clock, signal: AbortSignal) {
    this.#copy = copy;
    this.#bucket = bucket;
    this.#clock = clock;
    this.#signal = signal;
  }

  get floor(): WatchCursor {
    return this.#floor;
  }

  /** The copy's entries are of another bucket, or older ones than those known may have come into it. */
  forget(): void {
    this.#next = [];
    this.#knownUpTo = WatchCursor.none;
  }

  /** A new watch has its own floor. */
  begin(): void {
    this.#floor = WatchCursor.none;
    this.#told = undefined;
  }

  /** The floor that counts where this one was told: none while it `isHeld`, and after that also what was told meanwhile. */
  counting(floor: WatchCursor | undefined, isHeld: boolean): WatchCursor | undefined {
    const told = this.#told;
    const latest =
      told === undefined || floor === undefined ? (floor ?? told) : laterCursor(told, floor);
    this.#told = isHeld ? latest : undefined;
    return isHeld ? undefined : latest;
  }

  /** Whether the floor has moved, and there may be entries below it that go. */
  isDue(floor: WatchCursor): boolean {
    if (!this.#copy.hasEntries) return false;
    if (laterCursor(this.#floor, floor) === this.#floor) return false;
    if (this.#bucket.retains) return false;
    if (!this.#isKnown(floor)) return true;
    const [oldest] = this.#next;
    if (oldest !== undefined && isOlder(oldest.version, floor)) return true;
    this.#floor = floor;
    return false;
  }

  /** The removals of all that lies below the floor, but for keys that are about to `change`. Nothing may change the copy meanwhile. */
  async find(floor: WatchCursor, change: ReadonlySet<string>): Promise<KvRemoval[]> {
    this.#floor = floor;
    if (!this.#isKnown(floor)) await this.#scan(floor);
    const removals: KvRemoval[] = [];
    let passed = 0;
    for (const { key, version } of this.#next) {
      if (!isOlder(version, floor)) break;
      passed += 1;
      if (change.has(key)) continue;
      const entry = this.#copy.get(key);
      const removal = entry && this.removalOf(entry, floor);
      if (removal !== undefined) removals.push(removal);
    }
    this.#next = this.#next.slice(passed);
    return removals;
  }

  /** `undefined`: it stays. */
  removalOf(entry: Aged & Pick<KvEntry, "timeMs">, floor: WatchCursor): KvRemoval | undefined {
    const reason = removalBelowFloor(entry, { ...this.#bucket.facts, floor });
    if (reason === undefined) return undefined;
    return { kind: "delete", key: entry.key, version: VersionToken.unknown, reason };
  }

  #isKnown(floor: WatchCursor): boolean {
    return !this.#knownUpTo.isNone && !isOlder(this.#knownUpTo, floor);
  }

  /** All entries below the floor, and the oldest of those above it. */
  async #scan(floor: WatchCursor): Promise<void> {
    const below: Aged[] = [];
    let above: Aged[] = [];
    await inSlices(this.#copy.entries(), this.#clock, this.#signal, (entry) => {
      const { key, version } = entry;
      const aged = { key, version };
      if (isOlder(version, floor)) below.push(aged);
      else if (!version.isUnknown) above.push(aged);
      // Cut now and then, so that most of a large copy is not held.
      if (above.length >= 4 * MOST_NEXT) above = oldestOf(above);
    });
    above = oldestOf(above);
    const last = above.length === MOST_NEXT ? above.at(-1) : undefined;
    this.#next = [...below.toSorted(byVersion), ...above];
    // Up to the last that is remembered; or, where those are all, up to the floor and as far as a floor can come by then.
    this.#knownUpTo = WatchCursor.fromVersion(
      last?.version ?? newest(above) ?? VersionToken.unknown,
    );
    if (this.#knownUpTo.isNone) this.#knownUpTo = floor;
  }
}

function oldestOf(entries: readonly Aged[]): Aged[] {
  return entries.toSorted(byVersion).slice(0, MOST_NEXT);
}

function newest(sorted: readonly Aged[]): VersionToken | undefined {
  return sorted.at(-1)?.version;
}

function byVersion(a: Aged, b: Aged): number {
  if (isOlder(a.version, b.version)) return -1;
  return isOlder(b.version, a.version) ? 1 : 0;
}
