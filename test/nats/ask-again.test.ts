import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect as connectClient } from "@nats-io/transport-node";
import { JetStreamApi } from "../../src/nats/api.js";
import type { ConsumerConfig, ConsumerInfo } from "../../src/nats/api-types.js";
import { askAgain } from "../../src/nats/ask-again.js";
import { connect } from "../../src/nats/index.js";
import { Link } from "../../src/nats/link.js";
import { systemClock } from "../../src/platform/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { bytes } from "../support/bucket.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";

interface Ask {
  readonly leftMs: number;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

/** Asks for 5 s at most; what is asked waits to be answered. */
function begin(): { clock: ManualClock; asks: Ask[]; answer: Promise<string> } {
  const clock = new ManualClock();
  const asks: Ask[] = [];
  const answer = askAgain(
    clock,
    () => 0,
    5000,
    (leftMs) => new Promise<string>((resolve, reject) => asks.push({ leftMs, resolve, reject })),
  );
  return { clock, asks, answer };
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    clock.advance(250);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("what may be asked twice", () => {
  test("is asked again while no answer comes, each time with what is left of its time", async () => {
    const { clock, asks, answer } = begin();
    await pass(clock, 4900);
    assert.deepEqual(
      asks.map(({ leftMs }) => leftMs),
      [5000, 4250, 2750, 1250],
    );
    asks[2]?.resolve("third");
    assert.equal(await answer, "third");
    assert.equal(clock.waiting, 0);
  });

  test("takes the late answer to an earlier ask", async () => {
    const { clock, asks, answer } = begin();
    await pass(clock, 1000);
    assert.equal(asks.length, 2);
    asks[0]?.resolve("first");
    assert.equal(await answer, "first");
    asks[1]?.reject(new Error("late"));
    await pass(clock, 5000);
    assert.equal(asks.length, 2);
  });

  test("fails with what one of the asks failed with", async () => {
    const { clock, asks, answer } = begin();
    const failed = assert.rejects(answer, /refused/);
    await pass(clock, 1000);
    asks[1]?.reject(new Error("refused"));
    await failed;
    assert.equal(clock.waiting, 0);
  });

  for (const version of serverVersions) {
    test(`is a consumer of a name: it is made once, on ${version}`, async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      const client = await connectClient({ servers: server.url });
      const link = new Link({
        requestTimeoutMs: 5000,
        inboxPrefix: undefined,
        clock: systemClock,
        random: () => 0,
      });
      link.attach(client);
      const api = new JetStreamApi(link);
      try {
        const config: ConsumerConfig = {
          name: "twice",
          deliver_policy: "last_per_subject",
          filter_subjects: ["$KV.b.>"],
          ack_policy: "none",
          mem_storage: true,
          num_replicas: 1,
          inactive_threshold: 45e9,
        };
        const made: ConsumerInfo[] = [];
        for (let count = 0; count < 2; count += 1) {
          made.push(await api.createConsumer("KV_b", config));
        }
        assert.deepEqual(
          made.map(({ name, num_pending: pending }) => [name, pending]),
          [
            ["twice", 1],
            ["twice", 1],
          ],
        );
        const { state } = await api.streamInfo("KV_b");
        assert.equal((state as { readonly consumer_count?: number }).consumer_count, 1);
      } finally {
        await client.close();
      }
    });
  }
});
