import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { load, readSnapshot, verify, type Snapshot } from "../../src/log/index.js";
import { compareKeys } from "../../src/rules/key-order.js";
import type { FixtureContent, FixtureError } from "../support/fixtures.js";
import { tempDirectory } from "../support/temp-directory.js";

const ROOT = join("test", "fixtures");

/** What a snapshot holds, in the fixtures' terms. */
function contentOf(snapshot: Snapshot | undefined): Omit<FixtureContent, "format" | "tornBytes"> {
  const entries = [...(snapshot?.entries.values() ?? [])];
  return {
    cursor: snapshot?.cursor.toHex() ?? "",
    cursorTimeNs: String(snapshot?.cursorTimeNs ?? 0n),
    origin: snapshot?.origin ?? null,
    entries: entries
      .toSorted((a, b) => compareKeys(a.key, b.key))
      .map(({ key, value, version, timeMs, ttlMs }) => ({
        key,
        value: Buffer.from(value).toString("base64"),
        version: version.toHex(),
        ...(timeMs === undefined ? {} : { timeMs }),
        ...(ttlMs === undefined ? {} : { ttlMs }),
      })),
  };
}

for (const [folder, least] of [
  ["v2", 7],
  ["v3", 12],
] as const) {
  describe(`a file of format ${folder} that was made once`, () => {
    const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".snap"));

    test("is among those that are kept", () => {
      assert.ok(names.length >= least, `${names.length} fixtures`);
    });

    for (const name of names.map((file) => file.slice(0, -".snap".length))) {
      test(`loads to what it did then: ${name}`, async () => {
        await using directory = await tempDirectory();
        const path = directory.file("log.snap");
        const bytes = await readFile(join(ROOT, folder, `${name}.snap`));
        await writeFile(path, bytes);
        const json = await readFile(join(ROOT, folder, `${name}.json`), "utf8");
        const { format, tornBytes, ...content } = JSON.parse(json) as FixtureContent;
        const report = await verify(path);
        assert.deepEqual([report.format, report.tornBytes], [format, tornBytes]);
        assert.deepEqual(contentOf(await readSnapshot(path)), content);
        assert.deepEqual(await readFile(path), bytes);
        assert.deepEqual(contentOf(await load(path)), content);
        assert.deepEqual(contentOf(await load(path)), content);
        assert.equal((await verify(path)).format, format);
      });
    }
  });
}

describe("a file that no log looks like", () => {
  const folder = join(ROOT, "refused");
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".snap"))) {
    test(`is refused, and left as it is: ${name}`, async () => {
      await using directory = await tempDirectory();
      const path = directory.file("log.snap");
      const bytes = await readFile(join(folder, name));
      await writeFile(path, bytes);
      const json = await readFile(join(folder, name.replace(/snap$/, "json")), "utf8");
      const { code, offset } = JSON.parse(json) as FixtureError;
      await assert.rejects(load(path), { code, offset });
      assert.deepEqual(await readFile(path), bytes);
    });
  }
});
