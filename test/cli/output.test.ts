import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Output, type Sink } from "../../src/cli/output.js";
import { CorruptedError } from "../../src/errors/index.js";

const ERASE_LINE = "\r\u001B[2K";

/** Remembers what was written. A full one makes the writer wait for `drain`. */
class FakeSink implements Sink {
  readonly isTTY: boolean;
  readonly full: boolean;
  written = "";
  onDrain: (() => void) | undefined;

  constructor(isTTY: boolean, full = false) {
    this.isTTY = isTTY;
    this.full = full;
  }

  write(chunk: string | Uint8Array): boolean {
    this.written += String(chunk);
    return !this.full;
  }

  once(_event: "drain", listener: () => void): void {
    this.onDrain = listener;
  }
}

const plain = { json: false, verbose: false };

describe("the live line", () => {
  test("is redrawn in place on a terminal, and stays below what is said", () => {
    const err = new FakeSink(true);
    const output = new Output(new FakeSink(true), err, plain);
    output.live("1 key");
    output.live("1 key");
    output.live("2 keys");
    output.say("repaired");
    output.live("");
    assert.equal(
      err.written,
      `${ERASE_LINE}1 key${ERASE_LINE}2 keys${ERASE_LINE}repaired\n${ERASE_LINE}2 keys${ERASE_LINE}`,
    );
  });

  test("is not written where there is no terminal", () => {
    const err = new FakeSink(false);
    const output = new Output(new FakeSink(false), err, plain);
    output.live("1 key");
    output.say("ready");
    assert.equal(err.written, "ready\n");
  });
});

describe("data", () => {
  test("waits for a slow reader", async () => {
    const out = new FakeSink(false, true);
    let done = false;
    const writing = new Output(out, new FakeSink(false), plain).data("x").then(() => (done = true));
    await Promise.resolve();
    assert.equal(done, false);
    out.onDrain?.();
    await writing;
    assert.equal(out.written, "x");
  });
});

describe("an error", () => {
  const error = new CorruptedError("x.snap", 42, "its checksum does not match");

  test("is a code, a sentence and a hint for people, and nothing on standard output", async () => {
    const out = new FakeSink(false);
    const err = new FakeSink(false);
    await new Output(out, err, plain).fail(error);
    assert.equal(out.written, "");
    assert.match(
      err.written,
      /^millpond: corrupted: x\.snap is damaged at byte 42: .+\n {2}Opening it for writing.+\n$/,
    );
  });

  test("is also one JSON object, with path and offset, where that is asked for", async () => {
    const out = new FakeSink(false);
    await new Output(out, new FakeSink(false), { json: true, verbose: false }).fail(error);
    const { event, code, path, offset } = JSON.parse(out.written) as Record<string, unknown>;
    assert.deepEqual(
      { event, code, path, offset },
      { event: "error", code: "corrupted", path: "x.snap", offset: 42 },
    );
  });

  test("that nobody foresaw is called a fault of the program", async () => {
    const err = new FakeSink(false);
    await new Output(new FakeSink(false), err, plain).fail(new TypeError("x is not a function"));
    assert.match(err.written, /^millpond: internal: x is not a function\n/);
  });
});
