import type { Deed } from "./deed.js";
import type { Machine } from "./machine.js";
import type { World } from "./world.js";

/** How long whoever dies while a bucket is made again is down. */
const KILLED_MS = 20;

/** Does it. What does not apply at the moment does nothing. */
export async function act(world: World, machine: Machine, deed: Deed): Promise<void> {
  try {
    await actAsync(world, machine, deed);
  } catch (error) {
    world.found("the simulator itself", errorText(error));
  }
}

export function errorText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function actAsync(world: World, machine: Machine, action: Deed): Promise<void> {
  switch (action.do) {
    case "put":
      return world.write("put", action.key, action.bytes, action.ttlMs);
    case "delete":
    case "purge":
      return world.write(action.do, action.key);
    case "burst":
      // At once: each is stored before the call returns.
      await Promise.all(
        Array.from({ length: action.writes }, (_, write) =>
          world.write("put", action.from + write, action.writes),
        ),
      );
      return;
    case "make-again":
      if (action.killAfterMs !== undefined) {
        world.clock.schedule(action.killAfterMs, () => machine.killKeeper(KILLED_MS));
      }
      return world.makeAgain();
    case "back-up":
      return world.backUp();
    case "roll-back":
      return rollBack(world, machine, action);
    case "evict":
    case "drop-markers":
    case "drop-message":
    case "drop-key":
    case "purge-keys":
      return operate(world, action);
    case "lose-unseen":
      return loseUnseen(world, machine, action);
    case "cut":
      return world.line.cut(action.ms);
    case "freeze":
      return world.line.freeze(action.ms);
    case "hold-bookmarks":
      return world.line.holdBookmarks(action.ms);
    case "slow-line":
      return world.line.slow(action.ms, action.latencyMs);
    case "break-watches":
      return world.line.breakWatches(action.code);
    case "disk-full":
      return world.fillDisk(action.ms, action.leftBytes);
    case "disk-fails":
      return world.failDisk(action.what, action.chance, action.ms);
    case "slow-disk":
      return world.slowDisk(action.ms, action.latencyMs);
    case "rot":
      world.rot(action.bits, action.inLog === true);
      if (action.cutMs !== undefined) world.line.cut(action.cutMs);
      return action.downMs === undefined ? undefined : machine.killKeeper(action.downMs);
    case "set-clock":
      return world.setClock(action.byMs);
    case "kill":
      return machine.kill(action.downMs);
    case "close":
      return machine.close(action.downMs);
    case "power-loss":
      machine.losePower(action.downMs);
      return action.cutMs === undefined ? undefined : world.line.cut(action.cutMs);
    case "kill-follower":
      return machine.killReader(action.which, action.downMs);
    case "second-writer":
      return machine.secondWriter();
    case "read-fresh":
      return machine.keeper?.caller()?.readFresh(action.key, action.maxStalenessMs);
    case "wait-for":
      return machine.keeper?.caller()?.waitFor();
    case "audit":
      return machine.keeper?.caller()?.audit();
    case "follow-changes":
      return machine.keeper?.followChanges(action.maxQueued, action.pauseMs);
    case "slow-service":
      return world.slowService(action.ms);
    case "throw-in-apply":
      return machine.throwInApply();
  }
}

type Operation = Extract<
  Deed,
  { readonly do: "evict" | "drop-markers" | "drop-message" | "drop-key" | "purge-keys" }
>;

async function rollBack(
  world: World,
  machine: Machine,
  { downMs, cutMs, writes = 0 }: Extract<Deed, { readonly do: "roll-back" }>,
): Promise<void> {
  if (downMs !== undefined) machine.killKeeper(downMs);
  if (cutMs !== undefined) world.line.cut(cutMs);
  await world.rollBack();
  for (let write = 0; write < writes; write += 1) await world.write("put", write, write);
}

async function loseUnseen(
  world: World,
  machine: Machine,
  { by, ms, keys, withMarkers }: Extract<Deed, { readonly do: "lose-unseen" }>,
): Promise<void> {
  if (by === "kill") machine.killKeeper(ms);
  else world.line.cut(ms);
  for (const key of keys) {
    if (withMarkers) await world.write("delete", key);
    else await operate(world, { do: "drop-key", key });
  }
  if (withMarkers) await operate(world, { do: "drop-markers" });
}

async function operate(world: World, action: Operation): Promise<void> {
  const bucket = world.bucket();
  const { log } = world.oracle.present?.stream ?? {};
  if (log === undefined) return;
  switch (action.do) {
    case "evict": {
      const span = log.lastSequence + 1 - log.firstSequence;
      return bucket.evictBefore(BigInt(log.firstSequence + Math.round(action.share * span)));
    }
    case "drop-markers":
      return bucket.purgeDeletes();
    case "drop-message": {
      const kept = log.kept();
      const record = kept[Math.floor(action.share * kept.length)];
      return record === undefined ? undefined : bucket.deleteMessage(BigInt(record.sequence));
    }
    case "drop-key": {
      const key = world.keys[action.key % world.keys.length] ?? "";
      if (log.last(key)?.kind !== "put") return;
      // With the older ones, which would come to light: the number of records would be the same, and only an audit could tell.
      const records = log.kept().filter((record) => record.key === key);
      for (const { sequence } of records) await bucket.deleteMessage(BigInt(sequence));
      return;
    }
    case "purge-keys":
      return bucket.purgeKeys(action.prefix);
  }
}
