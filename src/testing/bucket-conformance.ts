import { describe, test } from "node:test";
import type { BucketConfig, KvStore } from "../kv/index.js";
import { auditing } from "./bucket/auditing.js";
import { ending } from "./bucket/ending.js";
import type { BucketHarness, Scenarios } from "./bucket/harness.js";
import { limits } from "./bucket/limits.js";
import { reading } from "./bucket/reading.js";
import { resuming } from "./bucket/resuming.js";
import { sweeping } from "./bucket/sweeping.js";
import { watching } from "./bucket/watching.js";
import { writing } from "./bucket/writing.js";

const GROUPS: Readonly<Record<string, Scenarios>> = {
  reading,
  writing,
  limits,
  watching,
  resuming,
  sweeping,
  auditing,
  ending,
};

/**
 * Registers, with `node:test`, every behaviour that Millpond expects of a bucket: one line makes a backend's test. Each
 * scenario opens its own connection and makes its own buckets, and removes them again.
 */
export function describeBucket(name: string, harness: BucketHarness): void {
  let made = 0;
  const newName = (): string => {
    made += 1;
    return `conformance-${process.pid}-${made}`;
  };
  void describe(`bucket: ${name}`, () => {
    for (const [group, scenarios] of Object.entries(GROUPS)) {
      void describe(group, () => {
        for (const [behaviour, run] of Object.entries(scenarios)) {
          void test(behaviour, () => stage(harness, newName, run));
        }
      });
    }
  });
}

async function stage(
  harness: BucketHarness,
  newName: () => string,
  run: Scenarios[string],
): Promise<void> {
  await using fixture = await harness.open();
  const { connection, operator } = fixture;
  const made: string[] = [];
  const make = (config?: BucketConfig): Promise<KvStore> => {
    const name = newName();
    made.push(name);
    return connection.createBucket(name, config);
  };
  try {
    await run?.({ connection, operator, connect: () => fixture.connect(), newName, make });
  } finally {
    for (const name of made) await operator.deleteBucket(name);
  }
}
