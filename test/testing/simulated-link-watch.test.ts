import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ErrorCode, isMillpondError, MillpondError } from "../../src/errors/index.js";
import { InProcessConnection } from "../../src/in-process/index.js";
import { BucketServer } from "../../src/in-process/server.js";
import type { KvStore, WatchBatch } from "../../src/kv/index.js";
import { nextTurn } from "../../src/platform/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { randomFrom } from "../../src/testing/simulation/random.js";
import { SimulatedLink } from "../../src/testing/simulation/simulated-link.js";

/** More than any chain of promises here takes. */
const TURNS = 20;

function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isMillpondError(error, code);
}

interface Line {
  readonly clock: ManualClock;
  readonly bucket: KvStore;
  readonly link: SimulatedLink;
}

async function lineOf(): Promise<Line> {
  const clock = new ManualClock();
  const connection = new InProcessConnection(
    new BucketServer({
      clock,
      folder: undefined,
      maxBuckets: 1,
      maxValueBytes: 1024,
      ttl: true,
    }),
  );
  const bucket = await connection.createBucket("b", { history: 1 });
  const link = new SimulatedLink(bucket, clock, randomFrom(1));
  return { clock, bucket, link };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
}

/** Reads a watch of everything on, and keeps what it says. */
class Heard {
  readonly batches: WatchBatch[] = [];
  end: unknown = "open";

  constructor(link: SimulatedLink) {
    this.#read(link).then(
      () => (this.end = "ended"),
      (error: unknown) => (this.end = error),
    );
  }

  get keys(): string[] {
    return this.batches.flatMap(({ updates }) => updates.map(({ key }) => key));
  }

  async #read(link: SimulatedLink): Promise<void> {
    const watch = await link.watch({ kind: "all" });
    for await (const batch of watch) this.batches.push(batch);
  }
}

describe("a simulated line", () => {
  test("brings a request there and back in the time that two messages take", async () => {
    const { clock, bucket, link } = await lineOf();
    await bucket.put("a", Buffer.from("1"));
    link.latencyMs = () => 100;
    let isAnswered = false;
    const asking = link.get("a").then((entry) => {
      isAnswered = true;
      return entry;
    });
    await settle();
    clock.advance(100);
    await settle();
    clock.advance(99);
    await settle();
    assert.equal(isAnswered, false);
    clock.advance(1);
    assert.equal((await asking)?.key, "a");
  });

  test("refuses requests while it is lost, and fails those that were on their way", async () => {
    const { clock, link } = await lineOf();
    link.latencyMs = () => 100;
    const onItsWay = assert.rejects(link.get("a"), hasCode("not-connected"));
    link.cut();
    assert.equal(link.connected, false);
    await assert.rejects(link.get("a"), hasCode("not-connected"));
    link.restore();
    clock.advance(100);
    await onItsWay;
    assert.equal(link.connected, true);
  });

  test("says nothing while it is silent, and everything in order once it is not", async () => {
    const { bucket, link } = await lineOf();
    const heard = new Heard(link);
    await settle();
    link.freeze();
    assert.equal(link.connected, true);
    for (const key of ["a", "b", "c"]) await bucket.put(key, Buffer.from("1"));
    await settle();
    assert.deepEqual(heard.keys, []);
    link.thaw();
    await settle();
    assert.deepEqual(heard.keys, ["a", "b", "c"]);
    assert.equal(link.delivered, 3);
    link.kill();
  });

  test("gives up a request that hears nothing for five seconds", async () => {
    const { clock, link } = await lineOf();
    link.freeze();
    const asking = assert.rejects(link.get("a"), hasCode("timeout"));
    await settle();
    clock.advance(5000);
    await asking;
  });

  test("goes on after a short loss with what came meanwhile, once, and says that it was rebuilt", async () => {
    const { clock, bucket, link } = await lineOf();
    const heard = new Heard(link);
    await bucket.put("a", Buffer.from("1"));
    await settle();
    link.cut();
    await bucket.put("b", Buffer.from("2"));
    clock.advance(4999);
    await settle();
    assert.deepEqual(heard.keys, ["a"]);
    link.restore();
    await settle();
    assert.deepEqual(heard.keys, ["a", "b"]);
    assert.equal(heard.batches.at(-1)?.rebuilds, 1);
    link.kill();
  });

  test("ends its watches after five seconds without it, and with the error that was asked for", async () => {
    const { clock, link } = await lineOf();
    const long = new Heard(link);
    await settle();
    link.cut();
    clock.advance(5000);
    await settle();
    assert.ok(hasCode("not-connected")(long.end));
    link.restore();
    const broken = new Heard(link);
    await settle();
    const error = new MillpondError("watch-error", "as asked for");
    link.breakWatches(error);
    await settle();
    assert.equal(broken.end, error);
  });

  test("knows how much of what it handed over lies beyond a position", async () => {
    const { bucket, link } = await lineOf();
    const heard = new Heard(link);
    await settle();
    const { cursor: before } = heard.batches.at(-1) ?? {};
    await bucket.put("a", Buffer.from("1"));
    await bucket.put("b", Buffer.from("2"));
    await settle();
    const { cursor: after } = heard.batches.at(-1) ?? {};
    assert.ok(before !== undefined && after !== undefined);
    assert.equal(link.updatesBeyond(before), 2);
    assert.equal(link.updatesBeyond(after), 0);
    assert.ok(link.frontier.equals(after));
    link.kill();
  });
});
