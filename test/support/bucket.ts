import assert from "node:assert/strict";
import type { WatchBatch } from "../../src/kv/index.js";

const encoder = new TextEncoder();

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The next batch; the watch must not have ended. */
export async function nextBatch(iterator: AsyncIterator<WatchBatch>): Promise<WatchBatch> {
  const step = await iterator.next();
  assert.equal(step.done ?? false, false, "the watch has ended");
  return step.value as WatchBatch;
}
