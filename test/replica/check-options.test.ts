import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openInProcess } from "../../src/in-process/index.js";
import { openReplica, type ReplicaOptions } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors, shown } from "../support/copies.js";
import { openScene } from "../support/scene.js";
import { tempDirectory } from "../support/temp-directory.js";

describe("an option that only plain JavaScript lets through", () => {
  const wrong: readonly (readonly [name: string, value: unknown])[] = [
    ["expiry", "x"],
    ["durability", "x"],
    ["format", 9],
    ["format", "3"],
    ["onForeignCopy", "x"],
    ["scope", "edge"],
    ["scope", [5]],
    ["scope", null],
    ["source", undefined],
    ["source", "edge"],
    ["path", undefined],
    ["path", ""],
  ];
  for (const [name, value] of wrong) {
    test(`${name}: ${JSON.stringify(value)} is refused by name before anything is made`, async () => {
      await using scene = await openScene();
      const { source, path } = scene;
      const options = { source, path, [name]: value } as unknown as ReplicaOptions;
      await assert.rejects(openReplica(options), (error) => {
        assert.ok(isMillpondError(error, "invalid-argument"), String(error));
        assert.ok(error.message.startsWith(`${name} must be `), error.message);
        return true;
      });
      await assert.rejects(stat(path));
    });
  }

  test("no options at all are refused too", async () => {
    await assert.rejects(openReplica(undefined as unknown as ReplicaOptions), (error) =>
      isMillpondError(error, "invalid-argument"),
    );
  });
});

describe("a copy of a bucket of another name", () => {
  for (const format of [2, 3] as const) {
    test(`of format ${format} is left alone where that is asked for, and replaced where it is not`, async () => {
      await using directory = await tempDirectory();
      await using connection = await openInProcess();
      const first = await connection.createBucket("first");
      const second = await connection.createBucket("second");
      await first.put("a", bytes("first"));
      await second.put("b", bytes("second"));
      const path = directory.file("copy");
      const onForeignCopy = "throw";
      const copyOf = async (options: ReplicaOptions): Promise<string[]> => {
        await using replica = await openReplica({ format, ...options });
        await replica.ready();
        await assertMirrors(replica, options.source);
        return shown(replica.entries());
      };
      await copyOf({ source: first, path, onForeignCopy });
      await assert.rejects(
        openReplica({ source: second, path, format, onForeignCopy }),
        (error) => {
          assert.ok(isMillpondError(error, "invalid-argument"), String(error));
          assert.match(error.message, /holds a copy of the bucket first, not of second/);
          return true;
        },
      );
      assert.deepEqual(await copyOf({ source: first, path, onForeignCopy }), ["a=first@1"]);
      assert.deepEqual(await copyOf({ source: second, path }), ["b=second@1"]);
      await copyOf({ source: second, path, onForeignCopy });
    });
  }
});
