import type { Action } from "./actions.js";
import type { Machine } from "./machine.js";
import type { World } from "./world.js";

/** Does it. What does not apply at the moment does nothing. */
export function act(world: World, machine: Machine, action: Action): void {
  const doing = actAsync(world, machine, action);
  doing.catch((error: unknown) => world.found("the simulator itself", errorText(error)));
}

export function errorText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function actAsync(world: World, machine: Machine, action: Action): Promise<void> {
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
      return world.makeAgain();
    case "back-up":
      return world.backUp();
    case "roll-back":
      return world.rollBack();
    case "evict":
    case "drop-markers":
    case "drop-message":
    case "purge-keys":
      return operate(world, action);
    case "cut":
      return world.cut(action.ms);
    case "freeze":
      return world.freeze(action.ms);
    case "hold-bookmarks":
      return world.holdBookmarks(action.ms);
    case "slow-line":
      return world.slowLine(action.ms, action.latencyMs);
    case "break-watches":
      return world.breakWatches(action.code);
    case "disk-full":
      return world.fillDisk(action.ms, action.leftBytes);
    case "disk-fails":
      return world.failDisk(action.what, action.chance, action.ms);
    case "slow-disk":
      return world.slowDisk(action.ms, action.latencyMs);
    case "rot":
      return world.rot(action.bits);
    case "set-clock":
      return world.setClock(action.byMs);
    case "kill":
      return machine.kill(action.downMs);
    case "close":
      return machine.close(action.downMs);
    case "power-loss":
      return machine.losePower(action.downMs);
    case "kill-follower":
      return machine.killReader(action.which, action.downMs);
    case "second-writer":
      return machine.secondWriter();
    case "read-fresh":
      return machine.keeper?.readFresh(action.key, action.maxStalenessMs);
    case "wait-for":
      return machine.keeper?.waitFor();
    case "audit":
      return machine.keeper?.audit();
    case "follow-changes":
      return machine.keeper?.followChanges(action.maxQueued, action.pauseMs);
    case "slow-service":
      return world.slowService(action.ms);
    case "throw-in-apply":
      return machine.throwInApply();
  }
}

type Operation = Extract<
  Action,
  { readonly do: "evict" | "drop-markers" | "drop-message" | "purge-keys" }
>;

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
    case "purge-keys":
      return bucket.purgeKeys(action.prefix);
  }
}
