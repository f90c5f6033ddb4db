import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { load, SnapshotWriter, verify } from "../../src/log/index.js";
import { compareKeys } from "../../src/rules/key-order.js";
import { VersionToken, WatchCursor, type KvUpdate } from "../../src/values/index.js";
import { tempDirectory } from "../support/temp-directory.js";

const ROOT = join("test", "vectors", "v2");
const FOLDERS = ["good", "header", "torn", "tail", "mid", "flips"];

/** What `load` returned, in the vectors' terms. */
interface Outcome {
  result: "ok" | "none" | "error";
  code?: string;
  offset?: number;
  cursor_hex?: string;
  entries?: { key: string; value_hex: string; version_hex: string }[];
}

interface Vector {
  name: string;
  input: Buffer;
  expected: Outcome;
  /** The file's bytes after the load. */
  after: Buffer;
}

/**
 * The original takes a damaged length for a torn tail, drops the good records after it and rewrites the file. Ours is an
 * error with the offset of the damaged record, and the file stays as it is.
 */
const SILENT_LOSS = new Map<string, number>([
  ["header/two-logs-concatenated", 84],
  ...["key-len-ffff", "key-len-minus-1", "value-len-16mib", "value-len-65536"].map(
    (name): [string, number] => [`mid/${name}`, 65],
  ),
  ...["12-0", "12-3", "12-7", "18-7", "19-2", "19-4", "19-5", "20-3", "20-4"].map(
    (name): [string, number] => [`flips/flip-${name}`, 6],
  ),
  ...["43-0", "43-6", "44-0", "44-5", "44-7", "50-5", "51-1", "51-4", "52-1", "52-7"].map(
    (name): [string, number] => [`flips/flip-${name}`, 38],
  ),
]);

/** A torn record followed by nothing but zeros: the original refuses the file, ours drops the tail. Value: good bytes. */
const TORN_THEN_ZEROS = new Map<string, number>([
  ["tail/last-put-zero-filled", 70],
  ["tail/torn03-then-zeros-04", 70],
  ["tail/torn03-then-zeros-08", 70],
  ["tail/torn03-then-zeros-64", 70],
  ["tail/torn05-then-zeros-64", 70],
]);

/** No known type at the very end, with nothing good after it: the original refuses the file, ours drops the tail. */
const UNKNOWN_TYPE_AT_THE_END = new Map<string, number>([["tail/ee-tail-32", 84]]);

const KINDS: Record<string, string> = { Corrupted: "corrupted", InvalidFormat: "invalid-format" };

describe("every golden vector loads as the original loaded it, or better", () => {
  for (const vector of vectors()) test(vector.name, () => checkVector(vector));
});

test("an exception is named for vectors that exist only", () => {
  const names = new Set(vectors().map(({ name }) => name));
  for (const list of [SILENT_LOSS, TORN_THEN_ZEROS, UNKNOWN_TYPE_AT_THE_END]) {
    for (const name of list.keys()) assert.ok(names.has(name), name);
  }
});

describe("the writer's bytes are the original's", () => {
  for (const name of namesIn("good", ".ops.json")) {
    test(name, async () => {
      await using directory = await tempDirectory();
      const file = directory.file("log.snap");
      const writer = await SnapshotWriter.open(file, 1 << 30, { format: 2 });
      for (const operation of readJson("good", `${name}.ops.json`) as Operation[]) {
        if (operation.op === "checkpoint") {
          await writer.checkpoint(WatchCursor.fromHex(operation.cursor_hex));
        } else writer.writeUpdate(updateOf(operation));
      }
      await writer.close();
      assert.deepEqual(await readFile(file), readFileSync(join(ROOT, "good", `${name}.snap`)));
    });
  }
});

test("the payload of an exported artifact loads, and needs no rewriting", async () => {
  await using directory = await tempDirectory();
  const file = directory.file("fold.snap");
  const bytes = readFileSync(join(ROOT, "artifact-100", "data", "fold.snap"));
  await writeFile(file, bytes);
  const { cursor_hex, entries } = readJson(".", "artifact-100.json") as Outcome;
  assert.equal(entries?.length, 100);
  assert.deepEqual(await outcomeOf(file), { result: "ok", cursor_hex, entries });
  assert.deepEqual(await readFile(file), bytes);
});

async function checkVector({ name, input, expected, after }: Vector): Promise<void> {
  await using directory = await tempDirectory();
  const file = directory.file("log.snap");
  await writeFile(file, input);
  await verifyAgreesAndChangesNothing(file, input, name, expected);
  const wanted = better(name, input) ?? { outcome: expected, after };
  const outcome = await outcomeOf(file);
  if (wanted.outcome.offset === undefined) delete outcome.offset;
  assert.deepEqual(outcome, wanted.outcome);
  const bytes = await readFile(file);
  if (wanted.after !== undefined) assert.deepEqual(bytes, wanted.after);
  const isException = wanted.outcome !== expected;
  assert.equal(isException, outcome.result !== expected.result, "an exception that is not needed");
  if (outcome.result === "error") return;
  assert.deepEqual(await outcomeOf(file), outcome, "a second load differs");
  assert.deepEqual(await readFile(file), bytes, "a second load changed the file");
}

/** `verify` says what `load` will, before it. */
async function verifyAgreesAndChangesNothing(
  file: string,
  input: Buffer,
  name: string,
  expected: Outcome,
): Promise<void> {
  const result = await verify(file).then(
    (report) => report.result,
    () => "error",
  );
  assert.equal(result, (better(name, input)?.outcome ?? expected).result);
  assert.deepEqual(await readFile(file), input);
}

/** Ours, for the vectors where the original's answer is a fault. `after` is left out where it need not be as it was. */
function better(name: string, input: Buffer): { outcome: Outcome; after?: Buffer } | undefined {
  const damagedAt = SILENT_LOSS.get(name);
  if (damagedAt !== undefined) {
    return { outcome: { result: "error", code: "corrupted", offset: damagedAt }, after: input };
  }
  const goodBytes = TORN_THEN_ZEROS.get(name) ?? UNKNOWN_TYPE_AT_THE_END.get(name);
  if (goodBytes === undefined) return undefined;
  // Without its tail each of these is the same log: two puts, and in one case a cursor.
  const base = readJson("flips", "flip-base.json") as Outcome;
  const cursor = goodBytes === 84 ? base.cursor_hex : "";
  assert.ok(base.entries !== undefined && cursor !== undefined);
  return {
    outcome: { result: "ok", cursor_hex: cursor, entries: base.entries },
    after: input.subarray(0, goodBytes),
  };
}

async function outcomeOf(file: string): Promise<Outcome> {
  try {
    const snapshot = await load(file);
    if (snapshot === undefined) return { result: "none" };
    return {
      result: "ok",
      cursor_hex: snapshot.cursor.toHex(),
      entries: [...snapshot.entries.values()]
        .toSorted((a, b) => compareKeys(a.key, b.key))
        .map(({ key, value, version }) => ({
          key,
          value_hex: Buffer.from(value).toString("hex"),
          version_hex: version.toHex(),
        })),
    };
  } catch (error) {
    assert.ok(isMillpondError(error), String(error));
    return {
      result: "error",
      code: error.code,
      ...("offset" in error ? { offset: error.offset as number } : {}),
    };
  }
}

function vectors(): Vector[] {
  return FOLDERS.flatMap((folder) =>
    namesIn(folder, ".json")
      .filter((name) => !name.endsWith(".ops"))
      .map((name) => vectorOf(folder, name)),
  );
}

function vectorOf(folder: string, name: string): Vector {
  const recorded = readJson(folder, `${name}.json`) as Outcome & {
    kind?: string;
    message?: string;
    after?: string | null;
  };
  const { kind, message: _message, after, ...rest } = recorded;
  const input = readFileSync(join(ROOT, folder, `${name}.snap`));
  const code = kind === undefined ? undefined : KINDS[kind];
  return {
    name: `${folder}/${name}`,
    input,
    expected: code === undefined ? rest : { ...rest, code },
    after: typeof after === "string" ? readFileSync(join(ROOT, folder, after)) : input,
  };
}

function namesIn(folder: string, ending: string): string[] {
  assert.ok(existsSync(join(ROOT, folder)), "run the tests from the root of the repository");
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
}

function readJson(folder: string, name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, folder, name), "utf8"));
}

type Operation =
  | { op: "checkpoint"; cursor_hex: string }
  | { op: "put"; key: string; value_hex: string; version_hex: string }
  | { op: "delete" | "purge"; key: string; version_hex: string };

function updateOf(operation: Exclude<Operation, { op: "checkpoint" }>): KvUpdate {
  const { key, op } = operation;
  const version = VersionToken.fromHex(operation.version_hex);
  if (op !== "put") return { kind: op, key, version };
  return { kind: "put", key, value: Buffer.from(operation.value_hex, "hex"), version };
}
