import assert from "node:assert/strict";
import type { CorruptedError } from "../../../src/errors/index.js";
import {
  headerLine,
  recordLine,
  removedBeforeLine,
  removedLine,
} from "../../../src/in-process/bucket-lines.js";
import { openInProcess } from "../../../src/in-process/open.js";
import type { Random } from "../../../src/platform/index.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { MemoryFileSystem } from "../../support/memory-file-system.js";
import { integerBelow } from "../../support/seed.js";
import { allKeys } from "../../../src/kv/index.js";
import { mutatedText, oneOf } from "../mutate.js";
import { refusal, textTarget, type Verdict } from "../target.js";

const PATH = "/disk/b.bucket";
const TIME = Date.UTC(2026, 0, 1);

/** The file of a bucket opens, or is refused at the beginning of one of its lines; what is open can be read, written, and opened again. */
async function check(text: string): Promise<Verdict> {
  const fs = new MemoryFileSystem();
  const file = await fs.open(PATH, "create");
  file.writeSync(Buffer.from(text), 0);
  await file.close();
  try {
    const before = await stateOf(fs, true);
    assert.deepEqual(await stateOf(fs, false), before, "opened again it holds something else");
    return "accepted";
  } catch (error) {
    const code = refusal(error, ["corrupted"]);
    const { offset } = error as CorruptedError;
    const bytes = Buffer.from(text);
    assert.ok(offset === 0 || bytes[offset - 1] === 0x0a, `${offset} is no line's beginning`);
    return code;
  }
}

async function stateOf(fileSystem: MemoryFileSystem, writes: boolean): Promise<string[]> {
  const clock = new ManualClock(TIME);
  await using connection = await openInProcess({ folder: "/disk", fileSystem, clock });
  const bucket = connection.bucket(nameIn(fileSystem.content(PATH)));
  const info = await bucket.info();
  assert.ok(info.records >= 0 && info.bytes >= 0);
  if (writes)
    await bucket
      .put("written", Uint8Array.of(1))
      .catch((error: unknown) => refusal(error, ["bucket-full"]));
  const lines: string[] = [];
  for await (const { key, kind, version, timeMs, ttlMs } of bucket.records(allKeys)) {
    lines.push(`${key} ${kind} ${version.toHex()} ${timeMs} ${ttlMs}`);
  }
  return lines.toSorted();
}

/** What the header says: it was taken. */
function nameIn(file: Buffer | undefined): string {
  const [header = ""] = (file ?? "").toString().split("\n");
  return (JSON.parse(header) as { readonly name: string }).name;
}

const CONFIGS = [
  { history: 1, maxBytes: 1_000_000, discard: "new" },
  { history: 3, maxBytes: 500, discard: "old", maxAgeMs: 60_000, markerTtlMs: 1000 },
] as const;

function line(random: Random, sequence: number): string {
  const kind = oneOf(random, ["put", "put", "put", "delete", "purge"] as const);
  const value = Buffer.alloc(kind === "put" ? integerBelow(random, 40) : 0, "v");
  const time = TIME - integerBelow(random, 100_000);
  const key = oneOf(random, ["a", "b.c", "ü"]);
  switch (integerBelow(random, 8)) {
    case 0:
      return removedLine([integerBelow(random, sequence) + 1]);
    case 1:
      return removedBeforeLine(integerBelow(random, sequence) + 1);
    case 2:
      return recordLine({
        sequence,
        time,
        key,
        kind,
        value,
        expiresAt: time + integerBelow(random, 200_000),
      });
    default:
      return recordLine({ sequence, time, key, kind, value });
  }
}

/** A header and some lines; one or two of them changed, left out, doubled or in another place. */
function generate(random: Random): string {
  const config = oneOf(random, CONFIGS);
  const created = "2026-01-01T00:00:00.000Z";
  const lines = [headerLine({ name: "b", created, config, lastSequence: 0 })];
  const count = integerBelow(random, 12);
  for (let sequence = 1; sequence <= count; sequence += 1) lines.push(line(random, sequence));
  for (let left = integerBelow(random, 3); left > 0; left -= 1) {
    const at = integerBelow(random, lines.length);
    const chosen = lines[at] ?? "";
    const to = integerBelow(random, lines.length + 1);
    if (random() < 0.6) lines[at] = mutatedText(random, [chosen, ...lines]);
    else if (random() < 0.5) lines.splice(at, 1);
    else lines.splice(to, 0, chosen);
  }
  return lines.join("").slice(0, random() < 0.9 ? undefined : integerBelow(random, 400));
}

export const bucketFileTarget = textTarget({ name: "bucket-file", share: 60, check, generate });
