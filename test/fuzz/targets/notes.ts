import assert from "node:assert/strict";
import * as fc from "fast-check";
import { identityOf, textOf } from "../../../src/replica/identity-text.js";
import { OriginFile } from "../../../src/replica/origin-file.js";
import { sealed, SeenFile, seenOf, textOfSeen } from "../../../src/replica/seen.js";
import { MemoryFileSystem } from "../../support/memory-file-system.js";
import { jsonOf } from "../arbitrary.js";
import { textTarget, type Verdict } from "../target.js";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const ms = fc.option(fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true })), { nil: undefined });

const seen = fc.record(
  {
    format: fc.constantFrom(1, 1, 1, 2),
    origin: text,
    cursor: fc.constantFrom("", "0000000000000005", "00112233445566778899"),
    levelAt: ms,
    offsetMs: fc.oneof(fc.integer(), fc.double({ noNaN: true })),
    limits: fc.record({ maxAgeMs: ms, allowsTtl: fc.boolean() }),
  },
  { requiredKeys: ["format", "origin", "cursor", "offsetMs", "limits"] },
);

/** Mutants that are refused for their checksum alone say little: these begin with one that holds. */
const sealedSeen = seen.map((fields) => JSON.parse(sealed(fields)) as unknown);

/** What a replica last saw is nothing, or figures that can be reckoned with; and it is read as it was written. */
async function checkSeen(written: string): Promise<Verdict> {
  const found = await new SeenFile(await diskOf("seen.json", written), "/disk").read();
  if (found === undefined) return "refused";
  const { levelAt = 0, offsetMs, limits } = found;
  for (const figure of [levelAt, offsetMs, limits.maxAgeMs ?? 0]) {
    assert.ok(Number.isFinite(figure), `${figure} is no figure`);
  }
  const again = seenOf(textOfSeen(found));
  assert.equal(again && textOfSeen(again), textOfSeen(found), "it is not read as it was written");
  return "accepted";
}

const identity = fc.record({
  format: fc.constantFrom(1, 1, 1, 2),
  bucket: text,
  created: fc.oneof(text, fc.constant("2026-01-01T00:00:00.123456789Z")),
  scope: fc.array(text, { maxLength: 3 }),
});

/** What a position belongs to is nothing, or read as it was written. */
async function checkIdentity(written: string): Promise<Verdict> {
  const found = await new OriginFile(await diskOf("replica.json", written), "/disk").read();
  if (found === undefined) return "refused";
  assert.deepEqual(identityOf(textOf(found)), found);
  return "accepted";
}

async function diskOf(name: string, content: string): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const file = await fs.open(`/disk/${name}`, "create");
  file.writeSync(Buffer.from(content), 0);
  await file.close();
  return fs;
}

export const noteTargets = [
  textTarget({ name: "seen", share: 200, check: checkSeen, ...jsonOf(sealedSeen) }),
  textTarget({ name: "origin", share: 200, check: checkIdentity, ...jsonOf(identity) }),
];
