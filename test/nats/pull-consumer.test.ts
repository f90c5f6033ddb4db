import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JetStreamApi } from "../../src/nats/api.js";
import { Link } from "../../src/nats/link.js";
import { PullConsumer } from "../../src/nats/pull-consumer.js";
import type { Clock } from "../../src/platform/index.js";
import { FakeClient } from "../support/fake-client.js";

/** Time that passes by whole jumps: what falls due within one runs at its end, as in a process that was held up. */
class JumpingClock implements Clock {
  #now = 0;
  #appointments: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const appointment = { at: this.#now + delayMs, callback };
    this.#appointments.push(appointment);
    return () => {
      this.#appointments = this.#appointments.filter((other) => other !== appointment);
    };
  }

  jump(ms: number): void {
    this.#now += ms;
    const due = this.#appointments.filter(({ at }) => at <= this.#now);
    this.#appointments = this.#appointments.filter((other) => !due.includes(other));
    for (const { callback } of due) callback();
  }
}

interface Scene {
  readonly client: FakeClient;
  readonly clock: JumpingClock;
  readonly consumer: PullConsumer;
  /** What the consumer said, in order. */
  readonly story: string[];
}

async function scene(): Promise<Scene> {
  const client = new FakeClient();
  const clock = new JumpingClock();
  const story: string[] = [];
  const link = new Link({
    requestTimeoutMs: 1000,
    inboxPrefix: undefined,
    clock,
    random: () => 0.5,
  });
  link.attach(client.asClient());
  const consumer = await PullConsumer.create(
    new JetStreamApi(link),
    { stream: "KV_b", filters: ["$KV.b.>"], start: "last-per-key" },
    {
      message: (_message, { streamSequence }) => story.push(`message ${streamSequence}`),
      bookmark: (streamSequence, waiting) =>
        story.push(`bookmark ${streamSequence}${waiting ? "" : " after a pause"}`),
      pullEnded: () => story.push("pull ended"),
      lost: ({ code }) => story.push(`lost: ${code}`),
    },
  );
  return { client, clock, consumer, story };
}

/** What the last pull asked for. */
function batchOf({ payloads }: FakeClient): number {
  return Number((JSON.parse(payloads.at(-1) ?? "{}") as { batch?: number }).batch);
}

function pass(clock: JumpingClock, ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) clock.jump(100);
}

describe("a pull consumer", () => {
  test("has one pull out at a time at a quiet stream, and the next when that one has ended", async () => {
    const { client, consumer } = await scene();
    assert.equal(client.published.length, 0);
    consumer.pull();
    consumer.pull();
    assert.equal(client.published.length, 1);
    client.tell(408, "Request Timeout");
    consumer.pull();
    assert.equal(client.published.length, 2);
    for (let sequence = 1; sequence < batchOf(client); sequence += 1) {
      client.deliver(sequence, sequence, 0);
      consumer.pull();
    }
    assert.equal(client.published.length, 2);
  });

  test("asks ahead while the server has more: half a pull before one ends, and never for more than one and a half", async () => {
    const { client, consumer } = await scene();
    consumer.pull();
    const batch = batchOf(client);
    let asked = batch;
    for (let sequence = 1; sequence <= 5 * batch; sequence += 1) {
      client.deliver(sequence, sequence, 100_000);
      const before = client.published.length;
      consumer.pull();
      const left = asked - sequence;
      assert.equal(client.published.length > before, left === batch / 2, `${left} were under way`);
      if (client.published.length > before) asked += batch;
      assert.ok(asked - sequence <= 1.5 * batch);
    }
  });

  test("counts what a pull might still have brought as no longer under way once it has ended", async () => {
    const { client, consumer } = await scene();
    consumer.pull();
    const batch = batchOf(client);
    for (let sequence = 1; sequence <= batch / 2; sequence += 1) {
      client.deliver(sequence, sequence, 100_000);
    }
    consumer.pull();
    assert.equal(client.published.length, 2);
    client.tell(408, "Request Timeout", { "Nats-Pending-Messages": String(batch / 2) });
    consumer.pull();
    assert.equal(client.published.length, 2, "the second pull is whole");
    client.tell(408, "Request Timeout", { "Nats-Pending-Messages": String(batch) });
    consumer.pull();
    assert.equal(client.published.length, 3);
  });

  test("is lost after 2.5 s of silence while a pull is out", async () => {
    const { client, clock, consumer, story } = await scene();
    consumer.pull();
    pass(clock, 2000);
    client.deliver(1, 1);
    pass(clock, 2400);
    assert.deepEqual(story, ["message 1"]);
    pass(clock, 1000);
    assert.deepEqual(story, ["message 1", "lost: watch-error"]);
  });

  test("may be silent while no pull is out", async () => {
    const { client, clock, consumer, story } = await scene();
    pass(clock, 10_000);
    consumer.pull();
    client.tell(408, "Request Timeout");
    pass(clock, 10_000);
    assert.deepEqual(story, ["pull ended"]);
  });

  test("is not taken for silent when it was this process that stood still", async () => {
    const { client, clock, consumer, story } = await scene();
    consumer.pull();
    clock.jump(60_000);
    client.tell(100, "Idle Heartbeat", { "Nats-Last-Consumer": "0", "Nats-Last-Stream": "9" });
    pass(clock, 2000);
    assert.deepEqual(story, ["bookmark 9"]);
  });

  test("is lost when a message is missing, and hands on nothing more", async () => {
    const { client, consumer, story } = await scene();
    consumer.pull();
    client.deliver(1, 1);
    client.deliver(3, 3);
    client.deliver(4, 4);
    assert.deepEqual(story, ["message 1", "lost: watch-error"]);
  });

  test("takes a heartbeat for a bookmark only when nothing is missing or held back", async () => {
    const { client, consumer, story } = await scene();
    consumer.pull();
    client.deliver(4, 1);
    const heartbeat = (fields: Record<string, string>): void =>
      client.tell(100, "Idle Heartbeat", { "Nats-Last-Stream": "9", ...fields });
    heartbeat({ "Nats-Last-Consumer": "2" });
    heartbeat({ "Nats-Last-Consumer": "1", "Nats-Consumer-Stalled": "x" });
    assert.deepEqual(story, ["message 4"]);
    heartbeat({ "Nats-Last-Consumer": "1" });
    assert.deepEqual(story, ["message 4", "bookmark 9"]);
  });

  test("says of a bookmark whether a pull was out all the time before it", async () => {
    const { client, clock, consumer, story } = await scene();
    const heartbeat = (sequence: number): void =>
      client.tell(100, "Idle Heartbeat", {
        "Nats-Last-Consumer": "0",
        "Nats-Last-Stream": String(sequence),
      });
    const pullAfter = (ms: number): void => {
      pass(clock, ms);
      consumer.pull();
    };
    pullAfter(0);
    heartbeat(1);
    clock.jump(5000);
    client.tell(408, "Request Timeout");
    pullAfter(200);
    heartbeat(2);
    client.tell(408, "Request Timeout");
    pullAfter(1000);
    heartbeat(3);
    heartbeat(4);
    // The end of the pull is read late: the process stood still.
    clock.jump(8000);
    client.tell(408, "Request Timeout");
    pullAfter(0);
    heartbeat(5);
    const said = story.filter((line) => line.startsWith("bookmark"));
    assert.deepEqual(said, [
      "bookmark 1",
      "bookmark 2",
      "bookmark 3 after a pause",
      "bookmark 4",
      "bookmark 5 after a pause",
    ]);
  });

  test("is lost by whatever else the server says of it", async () => {
    for (const [code, description] of [
      [409, "Consumer Deleted"],
      [409, "Leadership Change"],
      [409, "Server Shutdown"],
      [503, "No Responders"],
      [400, "Bad Request"],
    ] as const) {
      const { client, consumer, story } = await scene();
      consumer.pull();
      client.tell(code, description);
      assert.deepEqual(story, ["lost: watch-error"], description);
    }
  });

  test("asks for one message without a limit of bytes where that was larger, and then as ever", async () => {
    const { client, consumer, story } = await scene();
    consumer.pull();
    client.tell(409, "Message Size Exceeds MaxBytes");
    assert.deepEqual(story, ["pull ended"]);
    consumer.pull();
    client.deliver(1, 1);
    consumer.pull();
    client.deliver(2, 2);
    client.tell(409, "Message Size Exceeds MaxBytes");
    consumer.pull();
    const asked = client.payloads.map((payload): unknown => {
      const { batch, max_bytes: most } = JSON.parse(payload) as Record<string, number>;
      return [batch === 1, most !== undefined];
    });
    assert.deepEqual(asked, [
      [false, true],
      [true, false],
      [false, true],
      [false, true],
    ]);
  });

  test("is deleted at the server when it is closed, and says nothing more", async () => {
    const { client, clock, consumer, story } = await scene();
    consumer.pull();
    await consumer.close();
    assert.match(client.requested.at(-1) ?? "", /CONSUMER\.DELETE\.KV_b\.millpond-/);
    client.deliver(1, 1);
    pass(clock, 10_000);
    assert.deepEqual(story, []);
  });
});
