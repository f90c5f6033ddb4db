import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  answerOf,
  isConsumerInfo,
  isMessage,
  isPublishAck,
  isStreamInfo,
} from "../../src/nats/api-answers.js";
import { withCode } from "../support/log-files.js";

const state = { messages: 1, bytes: 10, first_seq: 1, last_seq: 1 };
const stream = { created: "2026-01-01T00:00:00Z", config: { name: "KV_b" }, state };
const message = { seq: 1, subject: "$KV.b.a", time: "2026-01-01T00:00:00.5Z" };
const consumer = { name: "c", num_pending: 0, delivered: { consumer_seq: 0, stream_seq: 0 } };

type Check = (answer: Readonly<Record<string, unknown>>) => boolean;

function answered(text: string, isOne: Check): unknown {
  const json = (): never => JSON.parse(text) as never;
  return answerOf("look", { json }, isOne as Parameters<typeof answerOf>[2]);
}

describe("a server's answer", () => {
  test("is taken where it is of the kind that was asked for", () => {
    for (const [answer, isOne] of [
      [stream, isStreamInfo],
      [{ message }, isMessage],
      [consumer, isConsumerInfo],
      [{ stream: "KV_b", seq: 5 }, isPublishAck],
    ] as const) {
      assert.deepEqual(answered(JSON.stringify(answer), isOne), answer);
    }
  });

  test("that is an error is thrown as what it means", () => {
    const text = JSON.stringify({ error: { code: 404, err_code: 10059, description: "none" } });
    assert.throws(() => answered(text, isStreamInfo), withCode("bucket-not-found"));
  });

  test("that no server gives is refused", () => {
    const wrong: readonly (readonly [unknown, Check])[] = [
      [null, isStreamInfo],
      [[], isStreamInfo],
      [{}, isStreamInfo],
      [{ error: null }, isStreamInfo],
      [{ error: { code: "404" } }, isStreamInfo],
      [{ ...stream, created: 5 }, isStreamInfo],
      [{ ...stream, ts: "soon" }, isStreamInfo],
      [{ ...stream, config: { max_age: "1" } }, isStreamInfo],
      [{ ...stream, state: { ...state, last_seq: 2 ** 53 } }, isStreamInfo],
      [{ ...stream, state: { ...state, first_seq: -1 } }, isStreamInfo],
      [{ message: { ...message, seq: 1.5 } }, isMessage],
      [{ message: { ...message, time: "soon" } }, isMessage],
      [{ message: { ...message, hdrs: 5 } }, isMessage],
      [{}, isMessage],
      [{ ...consumer, delivered: undefined }, isConsumerInfo],
      [{ ...consumer, num_pending: null }, isConsumerInfo],
      [{ stream: "KV_b" }, isPublishAck],
    ];
    for (const [answer, isOne] of wrong) {
      const text = JSON.stringify(answer);
      assert.throws(() => answered(text, isOne), withCode("operation-failed"), text);
    }
    assert.throws(() => answered("<html>", isStreamInfo), withCode("operation-failed"));
  });
});
