import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { allKeys, scopeOf, type WatchOptions, type WatchScope } from "../../src/kv/index.js";
import { JetStreamApi } from "../../src/nats/api.js";
import { Link } from "../../src/nats/link.js";
import { openWatch } from "../../src/nats/watch.js";
import { type Clock, systemClock } from "../../src/platform/index.js";
import { Flow } from "../../src/testing/bucket/flow.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { WatchCursor } from "../../src/values/index.js";
import { FakeClient } from "../support/fake-client.js";
import { until } from "../support/until.js";

/** A stream that a test moves on by hand, between any two requests. */
class FakeStream {
  readonly client = new FakeClient();
  readonly link: Link;
  first = 1;
  last = 10;
  created = "then";
  /** Where the next consumer starts. */
  startsAt: number | undefined;
  pending = 0;
  replicas = 1;
  /** The configuration asked for last. */
  asked: { deliver_policy?: string; opt_start_seq?: number } = {};

  constructor(version = "2.15.1", clock: Clock = systemClock) {
    this.link = new Link({
      requestTimeoutMs: 5_000,
      inboxPrefix: undefined,
      clock,
      random: () => 0.5,
    });
    this.client.info.version = version;
    this.client.answer = (subject, payload) => this.#answer(subject, payload);
    this.link.attach(this.client.asClient());
  }

  /** How often it was looked at. */
  get looks(): number {
    return this.client.requested.filter((subject) => subject.includes("STREAM.INFO")).length;
  }

  /** Opens a watch, asks it for a batch and lets a pull go out. */
  async pulled(options: WatchOptions): Promise<Flow> {
    const flow = await this.watch(allKeys, options);
    flow.ask();
    await until("a pull is out", () => this.client.published.length > 0);
    return flow;
  }

  async watch(scope: WatchScope, options: WatchOptions): Promise<Flow> {
    const all = { ...options, emptyValueIsDelete: false };
    return new Flow(await openWatch(new JetStreamApi(this.link), "b", scope, all));
  }

  #answer(subject: string, payload: string): unknown {
    if (subject.includes("STREAM.INFO")) {
      const state = { messages: 1, bytes: 1, first_seq: this.first, last_seq: this.last };
      const config = { name: "KV_b", discard: "new", num_replicas: this.replicas };
      return { created: this.created, config, state };
    }
    if (!subject.includes("CONSUMER.CREATE")) return {};
    const { config } = JSON.parse(payload) as { config: FakeStream["asked"] & { name: string } };
    this.asked = config;
    const start = this.startsAt ?? config.opt_start_seq ?? 1;
    return {
      name: config.name,
      num_pending: this.pending,
      delivered: { consumer_seq: 0, stream_seq: start - 1 },
    };
  }
}

async function endsExpired(flow: Promise<Flow>): Promise<void> {
  const error = await flow.then(
    (opened) => opened.end(),
    (refusal: unknown) => refusal,
  );
  assert.ok(isMillpondError(error, "cursor-expired"), String(error));
}

const from = WatchCursor.fromU64(5);

describe("a watch's consumer that starts elsewhere than asked", () => {
  for (const sweeps of [false, true]) {
    test(`after a position ends it, with sweeps ${sweeps}: what lies between was dropped meanwhile`, async () => {
      const stream = new FakeStream();
      stream.startsAt = 9;
      await endsExpired(stream.watch(allKeys, { from, sweeps }));
      assert.equal(stream.asked.opt_start_seq, 6);
    });

    test(`at an earlier sequence ends it, with sweeps ${sweeps}: the stream is not what it was`, async () => {
      const stream = new FakeStream();
      stream.startsAt = 4;
      await endsExpired(stream.watch(allKeys, { from, sweeps }));
    });
  }

  test("while it is live ends it, unless it sweeps: then all that is left lies ahead", async () => {
    for (const sweeps of [false, true]) {
      const stream = new FakeStream();
      await using flow = await stream.watch(allKeys, { from, sweeps });
      await flow.untilCaughtUp();
      // Dropped between the look at the stream and the making of the next consumer.
      stream.startsAt = 13;
      flow.ask();
      await until("a pull is out", () => stream.client.published.length > 0);
      stream.client.tell(409, "Consumer Deleted");
      if (!sweeps) {
        await endsExpired(Promise.resolve(flow));
        continue;
      }
      await flow.until("replaced", () => flow.batches.at(-1)?.rebuilds === 1);
      assert.equal(stream.asked.opt_start_seq, 11);
    }
  });
});

test("a watch with nothing pending is at the stream's end, unless the server that told of the end need not be its consumer's", async () => {
  for (const replicas of [1, 3]) {
    const stream = new FakeStream();
    stream.replicas = replicas;
    await using flow = await stream.watch(allKeys, { from });
    await flow.untilCaughtUp();
    assert.equal(flow.batches.at(-1)?.cursor.toU64(), replicas === 1 ? 10n : 5n);
  }
});

describe("a state-sync that does not sweep", () => {
  for (const [what, change] of [
    ["was dropped past its beginning", { first: 12, last: 12 }],
    ["was made again", { created: "now" }],
  ] as const) {
    test(`looks, when it is complete, whether the stream ${what}`, async () => {
      const stream = new FakeStream();
      stream.pending = 1;
      const flow = await stream.pulled({});
      Object.assign(stream, change);
      if ("first" in change) {
        // Only what evicts can drop what nothing replaced.
        const plain = stream.client.answer;
        stream.client.answer = (subject, payload) => {
          const answer = plain(subject, payload) as { config?: object };
          return answer.config === undefined
            ? answer
            : { ...answer, config: { ...answer.config, max_age: 1 } };
        };
      }
      stream.client.deliver(12, 1, 0);
      await endsExpired(Promise.resolve(flow));
    });
  }

  for (const [what, sequence, pending] of [
    ["when all has come, though nothing of it lies past its beginning", 8, 0],
    ["before it gives out what lies past its beginning, though more is to come", 12, 1],
  ] as const) {
    test(`looks ${what}`, async () => {
      const stream = new FakeStream();
      stream.pending = 2;
      const flow = await stream.pulled({});
      stream.created = "now";
      stream.client.deliver(sequence, 1, pending);
      await endsExpired(Promise.resolve(flow));
      assert.deepEqual(flow.updates, []);
    });
  }

  test("looks at nothing while it brings what there was at its beginning", async () => {
    const stream = new FakeStream("2.15.1", new ManualClock());
    stream.pending = 2;
    await using flow = await stream.pulled({});
    const { looks } = stream;
    for (const [index, sequence] of [3, 4, 7].entries()) {
      stream.client.deliver(sequence, index + 1, 1);
      await flow.untilUpdates(index + 1);
      flow.ask();
    }
    assert.equal(stream.looks, looks);
  });
});

describe("a stream that begins past what a watch has", () => {
  test("is harmless where it drops nothing by itself, and the watch waited all the time or began with the last records", async () => {
    for (const options of [{}, { from }]) {
      const stream = new FakeStream("2.15.1", new ManualClock());
      stream.pending = 1;
      await using flow = await stream.pulled(options);
      Object.assign(stream, { first: 13, last: 12 });
      if ("from" in options) {
        const heartbeat = { "Nats-Last-Consumer": "0", "Nats-Last-Stream": "12" };
        stream.client.tell(100, "Idle Heartbeat", heartbeat);
      } else {
        stream.client.deliver(12, 1, 0);
      }
      await flow.until("at its end", () => flow.cursor.toU64() === 12n);
    }
  });

  test("is a loss where messages came, of which it may have brought only the last", async () => {
    const stream = new FakeStream("2.15.1", new ManualClock());
    stream.pending = 1;
    const flow = await stream.pulled({ from });
    Object.assign(stream, { first: 12, last: 12 });
    stream.client.deliver(12, 1, 0);
    await endsExpired(Promise.resolve(flow));
  });
});

describe("a watch after a position", () => {
  test("looks before it gives out what has others missing before it, and only then", async () => {
    const stream = new FakeStream("2.15.1", new ManualClock());
    stream.pending = 5;
    const flow = await stream.pulled({ from });
    const { looks } = stream;
    for (const [index, [sequence, looked]] of (
      [
        [6, 0],
        [7, 0],
        [9, 1],
        [10, 1],
      ] as const
    ).entries()) {
      stream.client.deliver(sequence, index + 1, 1);
      await flow.untilUpdates(index + 1);
      flow.ask();
      assert.equal(stream.looks - looks, looked, `${sequence}`);
    }
    stream.created = "now";
    stream.client.deliver(12, 5, 1);
    await endsExpired(Promise.resolve(flow));
    assert.equal(flow.updates.length, 4);
  });

  test("that sweeps gives it out, and looks soon, but not again at once", async () => {
    const clock = new ManualClock();
    const stream = new FakeStream("2.15.1", clock);
    stream.pending = 5;
    await using flow = await stream.pulled({ from, sweeps: true });
    const { looks } = stream;
    const bring = async (sequence: number, count: number): Promise<number> => {
      stream.client.deliver(sequence, count, 1);
      await flow.untilUpdates(count);
      flow.ask();
      return stream.looks - looks;
    };
    assert.equal(await bring(7, 1), 0);
    clock.advance(1_000);
    assert.equal(await bring(8, 2), 0);
    assert.equal(await bring(10, 3), 1);
    assert.equal(await bring(12, 4), 1);
  });
});

describe("a connection that comes back to a server that is too old", () => {
  test("refuses all requests, and is used again once the server will do", async () => {
    const stream = new FakeStream();
    const { client, link } = stream;
    const api = new JetStreamApi(link);
    client.becomes("disconnect");
    await until("down", () => link.state === "down");
    client.info.version = "2.9.10";
    client.becomes("reconnect");
    const refused = async (): Promise<boolean> =>
      await api.streamInfo("KV_b").then(
        () => false,
        (error: unknown) => isMillpondError(error, "server-too-old"),
      );
    await until("refused", refused);
    assert.equal(link.state, "down");
    client.becomes("disconnect");
    client.info.version = "2.10.0";
    client.becomes("reconnect");
    await until("up", () => link.state === "up");
    assert.equal((await api.streamInfo("KV_b")).created, "then");
  });
});

describe("a watch of several prefixes", () => {
  test("warns where the server can skip updates of it, and only there", async () => {
    for (const [version, prefixes, warns] of [
      ["2.10.27", ["a.", "b."], true],
      ["2.10.27", ["a."], false],
      ["2.11.0", ["a.", "b."], false],
    ] as const) {
      const stream = new FakeStream(version);
      await using flow = await stream.watch(scopeOf(prefixes), {});
      assert.equal(flow.watch.warning !== undefined, warns, `${version} ${prefixes.join()}`);
    }
  });
});
