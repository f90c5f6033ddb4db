import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LogScan, scanLog } from "../../../src/log/scan-log.js";
import type { LogVisitor } from "../../../src/log/visitor.js";
import { Notes, sample } from "../../support/log-notes.js";
import { put } from "../../support/updates.js";
import { handleOn, LOG_PATH, positionAt, SALT, V3Log } from "../../support/v3-logs.js";

describe("a visitor that walks", () => {
  /** Takes whole batch frames of what it is offered, at most so many, without looking into them. */
  class Walker implements LogVisitor {
    readonly seen: string[] = [];
    /** Where the frames lay. */
    readonly places: number[] = [];
    readonly #most: number;
    #next = 24;

    constructor(most: number) {
      this.#most = most;
    }

    walk(bytes: Uint8Array, offset: number, salt: Uint8Array): number {
      assert.deepEqual(salt, SALT);
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      let took = 0;
      for (let frame = 0; frame < this.#most && took < bytes.length; frame += 1) {
        this.seen.push(`walk ${offset + took}`);
        this.places.push(offset + took);
        took += 16 + view.readUInt32LE(took + 4);
        this.#next = offset + took;
      }
      return took;
    }

    batch(body: Uint8Array): void {
      this.seen.push(`batch ${body.length}`);
      this.places.push(this.#next);
      this.#next += 16 + body.length;
    }

    update(): void {
      assert.fail("offered to batch");
    }

    position(): void {
      assert.fail("offered to batch");
    }
  }

  test("is offered batch frames only, and what it leaves goes to batch", async () => {
    const log = sample();
    const [, lineage = 0, second = 0, third = 0, fourth = 0] = log.bounds;
    const eager = new Walker(99);
    const counted = await scanLog(await handleOn(log.bytes), LOG_PATH, eager);
    assert.deepEqual(
      eager.seen,
      [lineage, second, third, fourth].map((place) => `walk ${place}`),
    );
    const lazy = new Walker(0);
    const result = await scanLog(await handleOn(log.bytes), LOG_PATH, lazy);
    assert.equal(lazy.seen.length, 4);
    assert.deepEqual(result, counted);
    assert.deepEqual([result.records, result.lastPosition], [4, log.size]);
  });

  test("sees every frame once, however the borders of chunks fall in them", async () => {
    const log = new V3Log();
    for (let revision = 1; revision <= 24; revision += 1) {
      const size = (revision * 311_111) % 1_300_000;
      log.batch([put("k", Buffer.alloc(size, revision), revision)], positionAt(revision));
    }
    const walker = new Walker(3);
    const result = await scanLog(await handleOn(log.bytes), LOG_PATH, walker);
    assert.deepEqual([result.frames, result.goodBytes], [24, log.size]);
    assert.deepEqual(walker.places, log.bounds.slice(0, -1));
  });

  test("that throws is where it was, with the offset of the frame", async () => {
    const log = sample();
    const malformed = log.size;
    const bytes = log.frame(1, Buffer.alloc(3)).bytes;
    const visitor = new Notes();
    const scan = new LogScan(await handleOn(bytes), LOG_PATH, visitor);
    await assert.rejects(scan.advance(), new RegExp(`at byte ${malformed}$`));
    assert.equal(scan.result.goodBytes, malformed);
    assert.equal(visitor.lines.length, 7);
  });
});
