import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { MemoryStore } from "../support/memory-store.js";
import { at, put } from "../support/scripted-source.js";
import { bring, startWatching } from "../support/watching.js";

/** A copy of `a`, `b` and `c` at position 5. */
function copy(): MemoryStore {
  return MemoryStore.of([put("a", 1), put("b", 2), put("c", 3)], at(5));
}

describe("a removal between two flushes", () => {
  test("takes what still has its version, moves no position, and says how many", async () => {
    const store = copy();
    await using watching = startWatching({ store });
    await bring(watching, [put("b", 6)], { caughtUp: true });
    const seen = [put("a", 1), put("b", 2), put("gone", 4)];
    assert.equal(await watching.watch.remove(seen, "expired"), 1);
    const left = [...store.entries].map(([key, { version }]) => `${key}@${version.toU64()}`);
    assert.deepEqual(left.toSorted(), ["b@6", "c@3"]);
    assert.equal(store.position.toU64(), 6n);
    const [removed] = store.writes.at(-1)?.updates ?? [];
    assert.ok(removed !== undefined && removed.kind !== "put");
    assert.equal(removed.reason, "expired");
  });

  test("waits for the flush before it", async () => {
    const store = copy();
    await using watching = startWatching({
      store,
      apply: async () => {
        await watching.gate.pass();
      },
    });
    await bring(watching, [put("a", 6)], { caughtUp: true });
    const removing = watching.watch.remove([put("a", 1)], "expired");
    watching.gate.release();
    assert.equal(await removing, 0);
  });

  test("is refused after the end", async () => {
    await using watching = startWatching({ store: copy() });
    await watching.stop();
    await assert.rejects(watching.watch.remove([put("a", 1)], "expired"), (error) =>
      isMillpondError(error, "closed"),
    );
  });
});
