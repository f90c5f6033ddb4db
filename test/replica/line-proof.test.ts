import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LineProof } from "../../src/replica/line-proof.js";

describe("a word that the copy is level", () => {
  test("is believed while the line holds", () => {
    const line = new LineProof();
    line.taken(0);
    assert.equal(line.accepts(0), true);
  });

  test("is not believed after a lost line where it may have waited since before, but from a rebuilt flow", () => {
    const line = new LineProof();
    line.taken(3);
    line.lineLost();
    assert.equal(line.accepts(3), false);
    line.taken(4);
    assert.equal(line.accepts(4), true);
    assert.equal(line.accepts(4), true);
  });

  test("is not believed from before a rebuild that was taken meanwhile, while it waited for the store", () => {
    const line = new LineProof();
    line.taken(3);
    line.lineLost();
    line.lineBack();
    line.taken(4);
    assert.equal(line.accepts(3), false);
    assert.equal(line.accepts(4), true);
  });

  test("is believed at its second time from a source that tells of no rebuilds, and at once from a new watch", () => {
    const line = new LineProof();
    line.lineLost();
    line.lineBack();
    line.taken(0);
    assert.equal(line.accepts(0), false);
    line.taken(0);
    assert.equal(line.accepts(0), true);
    line.lineLost();
    line.watchBegun();
    assert.equal(line.accepts(0), true);
  });

  test("is not believed for how many of them waited here when the line was lost, or came while it was", () => {
    const line = new LineProof();
    line.taken(0);
    line.taken(0);
    line.lineLost();
    line.taken(0);
    line.lineBack();
    assert.deepEqual([line.accepts(0), line.accepts(0), line.accepts(0)], [false, false, false]);
    line.taken(0);
    // One batch, one word.
    assert.deepEqual([line.accepts(0), line.accepts(0)], [false, false]);
    line.taken(0);
    assert.equal(line.accepts(0), true);
  });

  test("counts each rebuild once, from the beginning of each watch", () => {
    const line = new LineProof();
    assert.deepEqual([line.taken(0), line.taken(2), line.taken(2), line.taken(3)], [0, 2, 0, 1]);
    line.watchBegun();
    assert.equal(line.taken(1), 1);
  });
});
