import type { Random } from "../../src/platform/index.js";
import {
  VersionToken,
  WatchCursor,
  type KvUpdate,
  type LogPosition,
} from "../../src/values/index.js";
import { integerBelow, randomFrom } from "./seed.js";

export interface RandomBatch {
  readonly updates: readonly KvUpdate[];
  readonly position: LogPosition | undefined;
}

const KEYS = ["", "a", "edge.eu.web", "ключ", "\u{1F600}", "\uFFEE", "x".repeat(300)];
const ORIGINS = [undefined, undefined, "here", '{"bucket":"röutes"}'];

/** The same for the same seed: a few batches over a few keys, with all that an update and a position may have. */
export function randomBatches(seed: number, most = 8): RandomBatch[] {
  const random = randomFrom(seed);
  return Array.from({ length: 1 + integerBelow(random, most) }, () => ({
    updates: Array.from({ length: integerBelow(random, 6) }, () => randomUpdate(random)),
    position: random() < 0.7 ? randomPosition(random) : undefined,
  }));
}

function randomUpdate(random: Random): KvUpdate {
  const key = KEYS[integerBelow(random, KEYS.length)] ?? "";
  const version = VersionToken.fromBytes(randomBytes(random, [0, 8, 8, 8, 10]));
  const times = {
    ...(random() < 0.5 ? { timeMs: integerBelow(random, 2 ** 45) } : {}),
    ...(random() < 0.3 ? { ttlMs: integerBelow(random, 100_000) } : {}),
  };
  const kind = random();
  if (kind < 0.15) return { kind: "delete", key, version, ...times };
  if (kind < 0.3) return { kind: "purge", key, version, ...times };
  return { kind: "put", key, value: randomBytes(random, [0, 1, 7, 40, 200]), version, ...times };
}

function randomPosition(random: Random): LogPosition {
  return {
    cursor: WatchCursor.fromBytes(randomBytes(random, [0, 8, 8, 10])),
    cursorTimeNs: BigInt(integerBelow(random, 2 ** 31)) << BigInt(integerBelow(random, 33)),
    origin: ORIGINS[integerBelow(random, ORIGINS.length)],
  };
}

function randomBytes(random: Random, lengths: readonly number[]): Uint8Array {
  const length = lengths[integerBelow(random, lengths.length)] ?? 0;
  return Uint8Array.from({ length }, () => integerBelow(random, 256));
}
