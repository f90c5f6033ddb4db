import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { guarding } from "./store/guarding.js";
import { keeping } from "./store/keeping.js";
import { reading } from "./store/reading.js";
import type { SnapshotStoreHarness } from "./store/support.js";

const GROUPS = { reading, keeping, guarding };

/**
 * Declares, with `node:test`, what every {@link SnapshotStore} must do. One call in a test file is all there is to it:
 *
 * ```ts
 * describeSnapshotStore("MyStore", { open: (path) => MyStore.open(path) });
 * ```
 */
export function describeSnapshotStore(name: string, harness: SnapshotStoreHarness): void {
  for (const [group, scenarios] of Object.entries(GROUPS)) {
    void describe(`${name}: ${group}`, () => {
      for (const [title, scenario] of Object.entries(scenarios)) {
        void test(title, () => inFreshDirectory((path) => scenario(harness, path)));
      }
    });
  }
}

async function inFreshDirectory(run: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "millpond-store-"));
  try {
    await run(join(directory, "store"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
