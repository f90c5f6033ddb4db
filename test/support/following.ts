import assert from "node:assert/strict";
import { SnapshotWriter, type SnapshotWriterOptions } from "../../src/log/index.js";
import { openFollower, type Follower, type FollowerEvent } from "../../src/replica/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { HUGE } from "./log-files.js";
import { MemoryFileSystem } from "./memory-file-system.js";
import { until } from "./until.js";
import { told } from "./updates.js";

export const DIRECTORY = "/disk";
export const PATH = "/disk/copy.snap";
const POLL_MS = 25;

/** A disk in memory, a writer's log on it if wanted, and a follower with its time under control. */
export interface Scene extends AsyncDisposable {
  readonly fs: MemoryFileSystem;
  readonly clock: ManualClock;
  readonly follower: Follower;
  readonly events: FollowerEvent[];
  /** Lets polls go by until the condition holds. */
  follow(what: string, condition: () => boolean): Promise<void>;
  /** Lets some polls go by. */
  pass(polls?: number): Promise<void>;
}

export async function scene(fs = new MemoryFileSystem()): Promise<Scene> {
  const clock = new ManualClock();
  fs.now = () => clock.now();
  const events: FollowerEvent[] = [];
  const follower = await openFollower({
    path: DIRECTORY,
    fs,
    clock,
    onEvent: (event) => void events.push(event),
  });
  const pass = async (polls = 4): Promise<void> => {
    for (let poll = 0; poll < polls; poll += 1) {
      await until("the look is over", () => clock.waiting > 0);
      clock.advance(POLL_MS);
    }
    await until("the last look is over", () => clock.waiting > 0);
  };
  return {
    fs,
    clock,
    follower,
    events,
    pass,
    follow: async (what, condition) => {
      for (let polls = 0; !condition(); polls += 1) {
        assert.ok(polls < 400, `not within 400 polls: ${what}`);
        await pass(1);
      }
    },
    [Symbol.asyncDispose]: () => follower.close(),
  };
}

export function write(
  fs: MemoryFileSystem,
  options: Partial<SnapshotWriterOptions> = {},
): Promise<SnapshotWriter> {
  return SnapshotWriter.open(PATH, HUGE, { fs, format: 3, ...options });
}

export function place(fs: MemoryFileSystem, bytes: Uint8Array): Promise<void> {
  // As a compaction does it: another file takes the place of the one that is there.
  return fs
    .open("/disk/new", "create")
    .then((handle) => {
      handle.writeSync(bytes, 0);
      return handle.close();
    })
    .then(() => fs.rename("/disk/new", PATH));
}

export function state(follower: Follower): string[] {
  return told(follower.entries());
}
