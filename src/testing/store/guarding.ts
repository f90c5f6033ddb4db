import assert from "node:assert/strict";
import { isMillpondError } from "../../errors/index.js";
import { at, put, stateOf, survives, type Scenarios } from "./support.js";

export const guarding: Scenarios = {
  "batches that are not awaited are taken in the order of the calls": async (harness, path) => {
    await survives(harness, path, async (store) => {
      const revisions = Array.from({ length: 50 }, (_, index) => index + 1);
      await Promise.all(
        revisions.map((revision) => store.apply([put("a", `${revision}`, revision)], at(revision))),
      );
      return { cursor: at(50).toHex(), size: 1, entries: ["a=50@50"] };
    });
  },
  "a store that is open elsewhere is refused with `locked`, and free once that is closed": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    await assert.rejects(harness.open(path), (error) => isMillpondError(error, "locked"));
    await store.apply([put("a", "1", 1)], at(1));
    await store.close();
    await using again = await harness.open(path);
    assert.equal(again.size, 1);
  },
  "after close, apply throws `closed` and takes nothing; closing again does nothing": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    await store.apply([put("a", "1", 1)], at(1));
    await store.close();
    await store.close();
    await assert.rejects(store.apply([put("b", "2", 2)], at(2)), (error) =>
      isMillpondError(error, "closed"),
    );
    await using again = await harness.open(path);
    assert.deepEqual(stateOf(again), { cursor: at(1).toHex(), size: 1, entries: ["a=1@1"] });
  },
  "closing waits for the batches that were given before": async (harness, path) => {
    await using store = await harness.open(path);
    const applied = store.apply([put("a", "1", 1)], at(1));
    await store.close();
    await applied;
    await using again = await harness.open(path);
    assert.equal(again.size, 1);
  },
};
