import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Arena } from "../../src/kernel/index.js";
import { WatchCursor, type KvUpdate, type LogPosition } from "../../src/values/index.js";
import { EntryModel } from "../support/entry-model.js";
import { randomUpdate } from "../support/random-updates.js";
import { frameOf } from "../support/record-batch.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { put } from "../support/updates.js";

const SALT = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 200);
const START = 2 ** 33 + 24;

function positionAt(revision: number, origin?: string): LogPosition {
  const cursorTimeNs = 1_700_000_000_123_456_789n;
  return { cursor: WatchCursor.fromU64(revision), cursorTimeNs, origin };
}

/** The frames one behind the other, the first at {@link START}. */
function framesOf(batches: readonly (readonly [KvUpdate[], LogPosition?])[]): Buffer[] {
  let offset = START;
  return batches.map(([updates, position]) => {
    const frame = frameOf(updates, { offset, salt: SALT }, position);
    offset += frame.length;
    return frame;
  });
}

describe("walking frames", () => {
  test("takes them all, and the last position with the last origin that was told", () => {
    const frames = framesOf([
      [[put("a", "1", 1), put("b", "2", 2)], positionAt(2, "from hüre")],
      [[put("a", "3", 3)], positionAt(3)],
      [[put("c", "4", 4)]],
    ]);
    const arena = new Arena({ seed: 1 });
    const bytes = Buffer.concat(frames);
    assert.equal(arena.walk(bytes, START, SALT), bytes.length);
    assert.deepEqual(arena.position(), positionAt(3, "from hüre"));
    assert.equal(arena.size, 3);
  });

  test("stops before a frame of another place, another file or with any flipped bit", () => {
    const frames = framesOf([[[put("a", "1", 1)]], [[put("b", "2", 2)]]]);
    const [first, second] = frames as [Buffer, Buffer];
    const bytes = Buffer.concat(frames);
    assert.equal(new Arena({ seed: 1 }).walk(bytes, START + 8, SALT), 0);
    assert.equal(new Arena({ seed: 1 }).walk(bytes, START, SALT.toReversed()), 0);
    for (let bit = 0; bit < second.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      const at = first.length + (bit >>> 3);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
      const arena = new Arena({ seed: 1 });
      assert.equal(arena.walk(flipped, START, SALT), first.length, `bit ${bit}`);
      assert.equal(arena.size, 1, `bit ${bit}`);
    }
    for (let length = 0; length < bytes.length; length += 1) {
      const taken = new Arena({ seed: 1 }).walk(bytes.subarray(0, length), START, SALT);
      assert.equal(taken, length < first.length ? 0 : first.length);
    }
  });

  test("goes on behind what does not fit into one piece, and leaves a longer frame to the caller", () => {
    const frames = framesOf([
      [[put("a", new Uint8Array(400_000).fill(1), 1)]],
      [[put("b", new Uint8Array(400_000).fill(2), 2)]],
      [[put("c", new Uint8Array(600_000).fill(3), 3)]],
    ]);
    const arena = new Arena({ seed: 1 });
    const walked = arena.walk(Buffer.concat(frames), START, SALT);
    assert.equal(walked, (frames[0]?.length ?? 0) + (frames[1]?.length ?? 0));
    arena.stage((frames[2] as Buffer).subarray(16));
    arena.commit();
    assert.deepEqual(
      Array.from(arena.range(""), ({ key, value }) => [key, value.length, value.at(-1)]),
      [
        ["a", 400_000, 1],
        ["b", 400_000, 2],
        ["c", 600_000, 3],
      ],
    );
  });

  test("gives what a sorted map gives of the same random updates", () => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    const model = new EntryModel();
    const batches = Array.from({ length: 300 }, () => {
      const updates = Array.from({ length: integerBelow(random, 30) }, () =>
        randomUpdate(random, 3000),
      );
      for (const update of updates) model.apply(update);
      return [updates] as const;
    });
    const arena = new Arena({ seed });
    const frames = framesOf(batches.map(([updates]) => [updates]));
    let bytes = Buffer.concat(frames);
    let offset = START;
    while (bytes.length > 0) {
      let taken = arena.walk(bytes, offset, SALT);
      if (taken === 0) {
        taken = 16 + bytes.readUInt32LE(4);
        arena.stage(bytes.subarray(16, taken));
        arena.commit();
      }
      bytes = bytes.subarray(taken);
      offset += taken;
    }
    assert.equal(arena.check(), 0, `MILLPOND_SEED=${seed}`);
    assert.deepEqual([...arena.range("")], model.range(""), `MILLPOND_SEED=${seed}`);
  });
});
