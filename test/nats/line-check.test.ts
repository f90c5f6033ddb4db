import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HandshakeLimits } from "../../src/nats/handshakes.js";
import { LineCheck } from "../../src/nats/line-check.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

class Line {
  readonly clock = new ManualClock();
  readonly check: LineCheck;
  bytes = 0;
  pings = 0;
  givenUp = 0;
  #answer: (() => void) | undefined;

  constructor() {
    this.check = new LineCheck({
      clock: this.clock,
      random: () => 1,
      ping: () => {
        this.pings += 1;
        return new Promise((resolve) => {
          this.#answer = resolve;
        });
      },
      received: () => this.bytes,
      giveUp: () => (this.givenUp += 1),
    });
  }

  async answer(): Promise<void> {
    this.#answer?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a line on which something is late", () => {
  test("is given up where nothing comes although the server was asked", () => {
    const line = new Line();
    line.check.begin();
    line.clock.advance(1200);
    assert.equal(line.givenUp, 0);
    line.clock.advance(50);
    assert.equal(line.givenUp, 1);
  });

  test("is asked once at a time", () => {
    const line = new Line();
    line.check.begin();
    line.check.begin();
    line.clock.advance(1250);
    assert.deepEqual([line.pings, line.givenUp], [1, 1]);
  });

  test("is good where the server answers", async () => {
    const line = new Line();
    line.check.begin();
    line.clock.advance(900);
    await line.answer();
    line.clock.advance(10_000);
    assert.equal(line.givenUp, 0);
    line.check.begin();
    assert.equal(line.pings, 2);
  });

  test("is good where it brings something else", () => {
    const line = new Line();
    line.check.begin();
    line.clock.advance(600);
    line.bytes += 1;
    line.clock.advance(10_000);
    assert.equal(line.givenUp, 0);
  });

  test("is given up ever more seldom where the next is no better, and as ever after a good one", () => {
    const line = new Line();
    const times: number[] = [];
    const pass = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 250) {
        line.check.begin();
        const before = line.givenUp;
        line.clock.advance(250);
        if (line.givenUp > before) times.push(line.clock.now());
      }
    };
    pass(120_000);
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    // Each time the silence has to be found out anew.
    assert.deepEqual(pauses, [3250, 5250, 9250, 17_250, 31_250, 31_250]);
    line.clock.advance(60_000);
    times.length = 0;
    pass(5000);
    assert.equal(times.length, 2);
  });

  test("is not judged by a timer that was held up itself", () => {
    let now = 0;
    let due: (() => void) | undefined;
    let givenUp = 0;
    const schedule = (_: number, callback: () => void): (() => void) => {
      due = callback;
      return () => undefined;
    };
    const check = new LineCheck({
      clock: { now: () => now, schedule },
      random: () => 0,
      ping: () => new Promise(() => {}),
      received: () => 0,
      giveUp: () => (givenUp += 1),
    });
    check.begin();
    now += 60_000;
    due?.();
    assert.equal(givenUp, 0);
  });
});

describe("a line that is dialed again", () => {
  test("gets little time for a handshake where the first was quick, and now and then all there is", () => {
    const limits = new HandshakeLimits(() => 0.5, 20, 5000);
    const dials = [1, 2, 3, 4, 5].map(() => limits.next());
    assert.deepEqual(dials, [1250, 1250, 1250, 5000, 1250]);
    limits.connected();
    assert.equal(limits.next(), 1250);
  });

  test("gets several times what the first took, and never more than there is", () => {
    assert.equal(new HandshakeLimits(() => 0, 800, 5000).next(), 2400);
    assert.equal(new HandshakeLimits(() => 0, 4000, 5000).next(), 5000);
    assert.equal(new HandshakeLimits(() => 0, 20, 300).next(), 300);
  });
});
