import type { Durability, LogFormat } from "../../src/log/index.js";
import type { ViolationKind } from "./violation.js";

/** Where among its file operations a process is to kill itself. */
export interface DeathPlan {
  /** Which operations count: all, or those from the making of a compact file on, or from the order to close on. */
  readonly scene: "any" | "compaction" | "close";
  /** Of these only those of that name, where there is one. */
  readonly name: string | undefined;
  /** How many of them go by first. */
  readonly skip: number;
  /** `during`: while the system is at it, where the operation is not synchronous. */
  readonly moment: "before" | "during" | "after";
}

/** A copy that a process keeps. */
export interface CopyOrder {
  readonly path: string;
  readonly format: LogFormat;
  readonly durability: Durability;
  /** Where the process is to kill itself. */
  readonly death: DeathPlan | undefined;
  /** Seed of what goes wrong with the disk; `undefined`: nothing does. */
  readonly sickness: number | undefined;
}

/** What a process of mirrors is told to do. */
export interface MirrorOrder {
  readonly servers: string;
  readonly bucket: string;
  readonly compactThreshold: number;
  /** See `Cell`. */
  readonly patience: number;
  readonly copies: readonly CopyOrder[];
}

export type MirrorMessage =
  { readonly kind: "mirror"; readonly order: MirrorOrder } | { readonly kind: "close" };

export type ReadEntry = readonly [key: string, revision: number, crc: number];

/** What it says of one of its copies, by number: a line of JSON each, written at once, so that it is heard also where it is killed next. */
export type Said = { readonly copy: number } & Line;

export type Line =
  | { readonly said: "opening" | "fetching" | "compacted" | "closing" | "closed" }
  | { readonly said: "open-failed"; readonly code: string }
  | { readonly said: "opened" | "at"; readonly cursor: number }
  | {
      readonly said: "ready";
      readonly cursor: number;
      readonly resumed: boolean;
      readonly received: number;
    }
  /** It is about to kill itself. */
  | { readonly said: "dying"; readonly scene: DeathPlan["scene"]; readonly operation: string }
  | { readonly said: "event"; readonly type: string; readonly text: string }
  /** Entries that it has just read, some at random. */
  | { readonly said: "read"; readonly entries: readonly ReadEntry[] }
  /** The disk is well again, after so many operations that failed. */
  | {
      readonly said: "well";
      readonly illness: string;
      readonly faults: number;
      /** For how long the store had told of it, and what was taken from the bucket in that time. */
      readonly failingMs: number;
      readonly tookMeanwhile: number;
    }
  /** The log has all of it again, so long after the disk was well, and whether the store had failed. */
  | { readonly said: "recovered"; readonly afterMs: number; readonly hadFailed: boolean }
  | { readonly said: "violation"; readonly kind: ViolationKind; readonly text: string };

/** What a process of followers tells of one of its copies, by number: what has changed in what can be read there, and at which position that is. */
export interface FollowerMessage {
  readonly copy: number;
  readonly position: number;
  readonly changed: readonly ReadEntry[];
  readonly gone: readonly string[];
  readonly loads: number;
  readonly jumps: number;
  readonly wentBack: number;
}
