// Follows the copies in the directories on the command line, and tells its parent all that changes in what can be read, with the
// position that it is read at.
import { crc32 } from "node:zlib";
import { openFollower, type Follower } from "../../src/replica/index.js";
import type { FollowerMessage, ReadEntry } from "./orders.js";

/** Also between what it is told of: what is seen then any reader could see. */
const LOOK_MS = 200;
const [pollMs = "25", ...paths] = process.argv.slice(2);
process.on("disconnect", () => process.exit());
await Promise.all(paths.map(follow));

async function follow(path: string, copy: number): Promise<void> {
  const known = new Map<string, number>();
  let position = 0;
  let follower: Follower | undefined = undefined;
  const look = (): void => {
    if (follower === undefined) return;
    const message = changesOf(copy, follower, known);
    if (message.changed.length + message.gone.length === 0 && message.position === position) return;
    position = message.position;
    process.send?.(message);
  };
  follower = await openFollower({
    path,
    pollMs: Number(pollMs),
    onEvent: ({ type }) => type !== "state" && look(),
  });
  look();
  setInterval(look, LOOK_MS);
}

function changesOf(copy: number, follower: Follower, known: Map<string, number>): FollowerMessage {
  const { cursor, loads, jumps, wentBack } = follower.status();
  const position = Number(cursor.toU64() ?? 0n);
  const changed: ReadEntry[] = [];
  const gone = new Set(known.keys());
  for (const { key, revision, value } of follower.entries()) {
    const number = Number(revision);
    gone.delete(key);
    if (known.get(key) === number) continue;
    known.set(key, number);
    changed.push([key, number, crc32(value)]);
  }
  for (const key of gone) known.delete(key);
  return { copy, position, changed, gone: [...gone], loads, jumps, wentBack };
}
