import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isMillpondError } from "../errors/index.js";
import type { SnapshotStore } from "../store/index.js";
import { VersionToken, WatchCursor, type KvEntry, type KvUpdate } from "../values/index.js";

export interface SnapshotStoreHarness {
  /**
   * Opens the store that is kept at `path`, or makes it. Each test is given a path of its own in a fresh directory, which
   * is removed afterwards.
   */
  open(path: string): Promise<SnapshotStore>;
}

type Scenario = (harness: SnapshotStoreHarness, path: string) => Promise<void>;

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

const READING: Record<string, Scenario> = {
  "a fresh store is empty and has no cursor": async (harness, path) => {
    await using store = await harness.open(path);
    assert.deepEqual(stateOf(store), { cursor: "", size: 0, entries: [] });
    assert.equal(store.get("a"), undefined);
  },
  "get gives the last value and version of a key, and nothing for one that is removed or unknown":
    async (harness, path) => {
      await using store = await harness.open(path);
      await store.apply([put("a", "1", 1), put("b", "2", 2), put("a", "3", 3)], at(3));
      await store.apply([remove("delete", "b", 4)], at(4));
      assert.deepEqual(shown([store.get("a")].filter((entry) => entry !== undefined)), ["a=3@3"]);
      assert.equal(store.get("b"), undefined);
      assert.equal(store.get("c"), undefined);
    },
  "range gives the keys that start with the prefix, and the empty prefix gives all": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    await store.apply(
      ["b.2", "a.1", "b", "c", "b.1", "b/1"].map((key, index) => put(key, "", index + 1)),
      at(6),
    );
    assert.deepEqual(keysOf(store.range("b.")), ["b.1", "b.2"]);
    assert.deepEqual(keysOf(store.range("b")), ["b", "b.1", "b.2", "b/1"]);
    assert.deepEqual(keysOf(store.range("")), ["a.1", "b", "b.1", "b.2", "b/1", "c"]);
    assert.deepEqual(keysOf(store.range("d")), []);
  },
  "range is ordered by the UTF-8 bytes of the key, also where JavaScript's order differs": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    const keys = ["z", "\u{1F600}", "\u{FFFD}", "\u{E000}", "\u00fc", "a"];
    await store.apply(
      keys.map((key, index) => put(key, "", index + 1)),
      at(6),
    );
    const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(keysOf(store.range("")), byBytes);
  },
  "range stays in order through adding, removing and adding again": async (harness, path) => {
    await using store = await harness.open(path);
    const keys = Array.from({ length: 3000 }, (_, index) => `k${(index * 7919) % 3000}`);
    await store.apply(
      keys.map((key, index) => put(key, "", index + 1)),
      at(3000),
    );
    assert.deepEqual(keysOf(store.range("")), keys.toSorted());
    await store.apply([remove("delete", "k1500", 3001), put("k1500a", "", 3002)], at(3002));
    await store.apply([put("k1500", "again", 3003), remove("purge", "k2", 3004)], at(3004));
    const expected = [...keys.filter((key) => key !== "k2"), "k1500a"].toSorted();
    assert.deepEqual(keysOf(store.range("")), expected);
    assert.deepEqual(keysOf(store.range("k1500")), ["k1500", "k1500a"]);
    assert.equal(store.size, 3000);
  },
  "a range is what was there when it was asked for, whatever is applied while it is walked": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    await store.apply([put("a", "1", 1), put("b", "2", 2), put("c", "3", 3)], at(3));
    const range = store.range("");
    await store.apply([remove("delete", "b", 4), put("c", "new", 5), put("bb", "new", 6)], at(6));
    assert.deepEqual(shown(range), ["a=1@1", "b=2@2", "c=3@3"]);
  },
  "forEachInRange visits what range gives, and passes on what the visitor throws": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    await store.apply([put("p.b", "1", 1), put("p.a", "2", 2), put("q", "3", 3)], at(3));
    const visited: KvEntry[] = [];
    store.forEachInRange("p.", (entry) => visited.push(entry));
    assert.deepEqual(shown(visited), shown(store.range("p.")));
    const stop = new Error("far enough");
    let calls = 0;
    const throwing = (): void => {
      calls += 1;
      throw stop;
    };
    assert.throws(() => store.forEachInRange("", throwing), stop);
    assert.equal(calls, 1);
  },
  "what it gives and what it was given are copies: changing them changes nothing": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    // A Node Buffer too: its `slice` is a view.
    const values = [Buffer.from("one"), new TextEncoder().encode("two")];
    const version = VersionToken.fromU64(1);
    await store.apply(
      values.map((value, index) => ({ kind: "put", key: `k${index}`, value, version })),
      at(1),
    );
    for (const value of values) value.fill(0);
    store.get("k0")?.value.fill(0);
    for (const entry of store.range("")) entry.value.fill(0);
    store.forEachInRange("", (entry) => entry.value.fill(0));
    assert.deepEqual(shown(store.range("")), ["k0=one@1", "k1=two@1"]);
  },
};

const KEEPING: Record<string, Scenario> = {
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
};

const GUARDING: Record<string, Scenario> = {
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

const GROUPS = { reading: READING, keeping: KEEPING, guarding: GUARDING };

interface State {
  readonly cursor: string;
  readonly size: number;
  readonly entries: readonly string[];
}

/** Checks the state that `fill` says it left, then again from a store opened afresh. */
async function survives(
  harness: SnapshotStoreHarness,
  path: string,
  fill: (store: SnapshotStore) => Promise<State>,
): Promise<void> {
  await using store = await harness.open(path);
  const expected = await fill(store);
  assert.deepEqual(stateOf(store), expected);
  await store.close();
  await using again = await harness.open(path);
  assert.deepEqual(stateOf(again), expected);
}

function stateOf(store: SnapshotStore): State {
  return { cursor: store.cursor().toHex(), size: store.size, entries: shown(store.range("")) };
}

function shown(entries: Iterable<KvEntry>): string[] {
  return Array.from(entries, ({ key, value, version }) => {
    const revision = version.toU64() ?? version.toHex();
    return `${key}=${Buffer.from(value).toString("latin1")}@${revision}`;
  });
}

function keysOf(entries: Iterable<KvEntry>): string[] {
  return Array.from(entries, ({ key }) => key);
}

function put(key: string, value: string, revision: number): KvUpdate {
  const version = VersionToken.fromU64(revision);
  return { kind: "put", key, value: new TextEncoder().encode(value), version };
}

function remove(kind: "delete" | "purge", key: string, revision: number): KvUpdate {
  return { kind, key, version: VersionToken.fromU64(revision) };
}

function at(revision: number): WatchCursor {
  return WatchCursor.fromU64(revision);
}

async function inFreshDirectory(run: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "millpond-store-"));
  try {
    await run(join(directory, "store"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
