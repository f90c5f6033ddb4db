import assert from "node:assert/strict";
import { VersionToken, WatchCursor } from "../../values/index.js";
import { at, put, remove, stateOf, survives, type Scenarios } from "./support.js";

export const keeping: Scenarios = {
  "state and cursor survive closing and opening": async (harness, path) => {
    await survives(harness, path, async (store) => {
      await store.apply([put("a", "1", 1), put("b", "2", 2)], at(2));
      await store.apply([put("a", "3", 3), remove("delete", "b", 4), put("c", "5", 5)], at(5));
      return { cursor: at(5).toHex(), size: 2, entries: ["a=3@3", "c=5@5"] };
    });
  },
  "a purge removes like a delete, and leaves the neighbours": async (harness, path) => {
    await survives(harness, path, async (store) => {
      await store.apply([put("a", "1", 1), put("b", "2", 2)], at(2));
      await store.apply([remove("purge", "a", 3)], at(3));
      return { cursor: at(3).toHex(), size: 1, entries: ["b=2@2"] };
    });
  },
  "removing a key that is not there is no error": async (harness, path) => {
    await survives(harness, path, async (store) => {
      await store.apply([remove("delete", "ghost", 1), remove("purge", "ghost", 2)], at(2));
      return { cursor: at(2).toHex(), size: 0, entries: [] };
    });
  },
  "an empty batch moves the cursor and nothing else": async (harness, path) => {
    await survives(harness, path, async (store) => {
      await store.apply([put("a", "1", 1)], at(1));
      await store.apply([], at(900));
      return { cursor: at(900).toHex(), size: 1, entries: ["a=1@1"] };
    });
  },
  "an empty value is a value": async (harness, path) => {
    await survives(harness, path, async (store) => {
      await store.apply([put("lock", "", 1)], at(1));
      return { cursor: at(1).toHex(), size: 1, entries: ["lock=@1"] };
    });
  },
  "versions and cursors of any length up to ten bytes, and unknown ones, survive byte for byte":
    async (harness, path) => {
      const wide = "000102030405060708ff";
      const cursor = WatchCursor.fromHex("ffeeddccbbaa99887766");
      await survives(harness, path, async (store) => {
        const value = new Uint8Array(1);
        await store.apply(
          [
            { kind: "put", key: "wide", value, version: VersionToken.fromHex(wide) },
            { kind: "put", key: "unknown", value, version: VersionToken.unknown },
          ],
          cursor,
        );
        const entries = ["unknown=\0@", `wide=\0@${wide}`];
        return { cursor: cursor.toHex(), size: 2, entries };
      });
    },
  "values of every byte and keys of any text survive": async (harness, path) => {
    await using store = await harness.open(path);
    const value = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    const key = "stra\u00dfe.\u65e5\u672c.\u{1F600}";
    await store.apply([{ kind: "put", key, value, version: VersionToken.unknown }], at(1));
    await store.close();
    await using again = await harness.open(path);
    assert.deepEqual(Buffer.from(again.get(key)?.value ?? []), Buffer.from(value));
  },
  "resuming from the cursor adds up to the same state as never having stopped": async (
    harness,
    path,
  ) => {
    const updates = Array.from({ length: 300 }, (_, index) =>
      index % 7 === 6
        ? remove("delete", `k${(index * 31) % 50}`, index + 1)
        : put(`k${(index * 13) % 50}`, `v${index}`, index + 1),
    );
    await using whole = await harness.open(`${path}-whole`);
    await whole.apply(updates, at(300));
    for (const end of [1, 50, 173, 300]) {
      await using store = await harness.open(path);
      const from = Number(store.cursor().toU64() ?? 0n);
      await store.apply(updates.slice(from, end), at(end));
    }
    await using resumed = await harness.open(path);
    assert.deepEqual(stateOf(resumed), stateOf(whole));
  },
  "a position that is withdrawn stays withdrawn, and the entries stay": async (harness, path) => {
    await survives(harness, path, async (store) => {
      await store.apply([put("a", "1", 1)], at(1));
      await store.apply([remove("delete", "b", 2)], WatchCursor.none);
      return { cursor: "", size: 1, entries: ["a=1@1"] };
    });
  },
  "an origin is kept with its position, and stands until another comes, where origins are kept":
    async (harness, path) => {
      await using store = await harness.open(path);
      assert.equal(store.origin?.(), undefined);
      await store.apply([put("a", "1", 1)], at(1), { origin: "one" });
      await store.apply([put("b", "2", 2)], at(2));
      const kept = store.holdsOrigin === true ? ["one", "two"] : [undefined, undefined];
      await store.close();
      await using again = await harness.open(path);
      assert.equal(again.holdsOrigin, store.holdsOrigin);
      assert.equal(again.origin?.(), kept[0]);
      await again.apply([], at(3), { origin: "two" });
      await again.close();
      await using last = await harness.open(path);
      assert.equal(last.origin?.(), kept[1]);
    },
  "the times of an entry are kept, or none of them is": async (harness, path) => {
    await using store = await harness.open(path);
    const timed = { ...put("a", "1", 1), timeMs: 1_795_351_190_875, ttlMs: 5000 };
    await store.apply([timed, put("b", "2", 2)], at(2));
    await store.close();
    await using again = await harness.open(path);
    const entries = [again.get("a"), ...again.range("a"), again.get("b")];
    const times = entries.map((entry) => [entry?.timeMs, entry?.ttlMs]);
    const kept = times[0]?.[0] === undefined ? [undefined, undefined] : [timed.timeMs, 5000];
    assert.deepEqual(times, [kept, kept, [undefined, undefined]]);
  },
};
