/** Something that is done to the world. Plain data, so that a script of them can be kept, cut down and replayed. */
export type Deed =
  | { readonly do: "put"; readonly key: number; readonly bytes: number; readonly ttlMs?: number }
  | { readonly do: "delete" | "purge"; readonly key: number }
  | { readonly do: "burst"; readonly writes: number; readonly from: number }
  | { readonly do: "evict"; readonly share: number }
  | { readonly do: "drop-markers" }
  | { readonly do: "drop-message"; readonly share: number }
  | { readonly do: "drop-key"; readonly key: number }
  | { readonly do: "purge-keys"; readonly prefix: string }
  | {
      readonly do: "lose-unseen";
      readonly by: "kill" | "cut";
      readonly ms: number;
      readonly keys: readonly number[];
      /** They are deleted, and then all markers go; else their records go, and markers stay. */
      readonly withMarkers: boolean;
    }
  | { readonly do: "make-again"; readonly killAfterMs?: number }
  | { readonly do: "back-up" }
  | {
      readonly do: "roll-back";
      readonly downMs?: number;
      readonly cutMs?: number;
      readonly writes?: number;
    }
  | { readonly do: "cut" | "freeze" | "hold-bookmarks"; readonly ms: number }
  | { readonly do: "slow-line"; readonly ms: number; readonly latencyMs: number }
  | { readonly do: "break-watches"; readonly code: "watch-error" | "timeout" | "not-connected" }
  | { readonly do: "kill"; readonly downMs: number }
  | { readonly do: "close"; readonly downMs: number }
  | { readonly do: "power-loss"; readonly downMs: number; readonly cutMs?: number }
  | { readonly do: "kill-follower"; readonly which: number; readonly downMs: number }
  | { readonly do: "second-writer" }
  | { readonly do: "disk-full"; readonly ms: number; readonly leftBytes: number }
  | {
      readonly do: "disk-fails";
      readonly what: "read" | "write" | "sync" | "rename";
      readonly chance: number;
      readonly ms: number;
    }
  | { readonly do: "slow-disk"; readonly ms: number; readonly latencyMs: number }
  | {
      readonly do: "rot";
      readonly bits: number;
      readonly inLog?: boolean;
      readonly downMs?: number;
      readonly cutMs?: number;
    }
  | { readonly do: "set-clock"; readonly byMs: number }
  | { readonly do: "read-fresh"; readonly maxStalenessMs: number; readonly key: number }
  | { readonly do: "wait-for" }
  | { readonly do: "audit" }
  | { readonly do: "follow-changes"; readonly maxQueued: number; readonly pauseMs: number }
  | { readonly do: "slow-service"; readonly ms: number }
  | { readonly do: "throw-in-apply" };

/** What is done in the end. `converge`: the copy has the time to become the bucket before it goes on. `wait`: so long nothing is done. */
export type ClosingDeed =
  Deed | { readonly do: "converge" } | { readonly do: "wait"; readonly ms: number };

/** A deed and when: milliseconds of virtual time since the beginning. */
export type Action = Deed & { readonly at: number };
