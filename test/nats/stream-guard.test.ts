import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import type { JetStreamApi } from "../../src/nats/api.js";
import type { StreamConfig, StreamInfo } from "../../src/nats/api-types.js";
import type { Clock } from "../../src/platform/index.js";
import { StreamGuard } from "../../src/nats/stream-guard.js";

interface Look {
  readonly created?: string;
  readonly first?: number;
  readonly last?: number;
  readonly config?: Partial<StreamConfig>;
}

function infoOf({ created = "then", first = 1, last = 10, config = {} }: Look): StreamInfo {
  return {
    created,
    config: { name: "KV_b", discard: "new", ...config },
    state: { messages: last - first + 1, bytes: 1, first_seq: first, last_seq: last },
  };
}

/** Lets no time pass. */
const clock: Clock = {
  now: () => 0,
  schedule(_delayMs, callback) {
    setImmediate(callback);
    return () => undefined;
  },
};

interface Stored {
  readonly seq: number;
  readonly time: string;
}

/** A stream that shows these looks, the last again and again, and holds these messages. */
function streamOf(looks: readonly Look[], stored: readonly Stored[] = []): JetStreamApi {
  let at = 0;
  return {
    link: { clock },
    streamInfo: async () => {
      const look = looks[Math.min(at, looks.length - 1)];
      at += 1;
      return infoOf(look ?? {});
    },
    messageAt: async (_stream: string, sequence: number) =>
      stored.find(({ seq }) => seq === sequence),
  } as unknown as JetStreamApi;
}

/** Whether a watch that has everything up to 10, and has got to 10, may go on after the later looks. */
async function goesOn(later: Look | readonly Look[], whole = false): Promise<boolean> {
  const api = streamOf([{}, ...[later].flat()]);
  const guard = await StreamGuard.begin(api, "b", undefined);
  try {
    await guard.requireHarmless(10, 10, whole);
    return true;
  } catch (error) {
    assert.ok(isMillpondError(error, "cursor-expired"), String(error));
    return false;
  }
}

describe("the guard of a watch's stream", () => {
  test("lets it go on where all that came after is still there", async () => {
    assert.equal(await goesOn({ last: 15, first: 11 }), true);
    assert.equal(await goesOn({ last: 15, first: 12 }), false);
  });

  test("ends it where the stream was rolled back to before what was read", async () => {
    assert.equal(await goesOn({ last: 9 }), false);
    assert.equal(await goesOn({ last: 9 }, true), false);
  });

  test("lets it go on where a new leader has yet to learn of what was read", async () => {
    assert.equal(await goesOn([{ last: 9 }, { last: 10 }]), true);
  });

  test("ends it where a message that was delivered is another one now, or the next older that is left", async () => {
    const stored = [{ seq: 8, time: "1970-01-01T00:00:00.000000008Z" }];
    const guard = await StreamGuard.begin(streamOf([{}], stored), "b", undefined);
    const gone = { sequence: 9, timeNs: "9" };
    const there = { sequence: 8, timeNs: "8" };
    assert.equal(await guard.requireSame([there, gone], 8), true);
    assert.equal(await guard.requireSame([there, gone], 9), false, "rolled back to 8, perhaps");
    assert.equal(await guard.requireSame([gone, there], 8), false);
    assert.equal(await guard.requireSame([gone], 8), false);
    await assert.rejects(guard.requireSame([gone, { sequence: 8, timeNs: "7" }], 8), (error) =>
      isMillpondError(error, "cursor-expired"),
    );
  });

  test("ends it where the stream is another one, however far that has come", async () => {
    assert.equal(await goesOn({ created: "now", last: 99 }), false);
    assert.equal(await goesOn({ created: "now", last: 99 }, true), false);
  });

  test("lets a whole watch go on in a stream that drops no last record by itself", async () => {
    const moved = { last: 15, first: 15 };
    assert.equal(await goesOn(moved, true), true);
    assert.equal(await goesOn({ ...moved, config: { max_age: 1 } }, true), false);
    assert.equal(await goesOn({ ...moved, config: { discard: "old", max_bytes: 1 } }, true), false);
  });
});
