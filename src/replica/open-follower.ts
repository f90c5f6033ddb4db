import { MillpondError } from "../errors/index.js";
import { nodeFileSystem, systemClock, systemRandom } from "../platform/index.js";
import type { Follower, FollowerOptions } from "./follower.js";
import { RunningFollower } from "./running-follower.js";

const POLL_MS = 25;

/**
 * Opens the copy that another process keeps, to read it along with that process: eight followers and one replica on a machine
 * cost one watch. What the replica has checkpointed can be read here one look later. Resolves after a first look,
 * whether or not there is a copy: {@link Follower.ready} waits for one.
 *
 * Throws `invalid-argument` for a `pollMs` out of bounds, and an aborted signal's reason.
 */
export async function openFollower(options: FollowerOptions): Promise<Follower> {
  const { path, pollMs = POLL_MS, signal, onEvent } = options;
  const { fs = nodeFileSystem, clock = systemClock, random = systemRandom } = options;
  if (!Number.isFinite(pollMs) || pollMs < 1) {
    throw new MillpondError("invalid-argument", `pollMs must be 1 or more, not ${pollMs}`, {
      hint: `Leave it out for ${POLL_MS} ms.`,
    });
  }
  signal?.throwIfAborted();
  const follower = new RunningFollower({
    path,
    pollMs,
    fs,
    clock,
    random,
    signal,
    onEvent,
  });
  await follower.begin();
  if (signal?.aborted === true) {
    await follower.close();
    signal.throwIfAborted();
  }
  return follower;
}
