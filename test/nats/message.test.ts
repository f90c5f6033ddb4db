import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deliveryOf, kindOf, storedHeaders, ttlMsOf } from "../../src/nats/message.js";

const NUMBERS = { streamSequence: 12, consumerSequence: 3, pending: 7, timeMs: 1795351190875 };

describe("a reply subject", () => {
  test("gives the same numbers in the old form and in the new, with and without its last token", () => {
    for (const reply of [
      "$JS.ACK.KV_b.c1.1.12.3.1795351190875081963.7",
      "$JS.ACK._.acc.KV_b.c1.1.12.3.1795351190875081963.7",
      "$JS.ACK.hub.acc.KV_b.c1.1.12.3.1795351190875081963.7.token",
    ]) {
      assert.deepEqual(deliveryOf(reply), NUMBERS, reply);
    }
  });

  test("of anything else gives none", () => {
    for (const reply of ["", "_INBOX.x", "$JS.ACK.a.b", "$JS.ACK.KV_b.c1.1.x.3.1.7"]) {
      assert.equal(deliveryOf(reply), undefined, reply);
    }
  });

  test("keeps sequences up to 2^53 exact", () => {
    const reply = `$JS.ACK.KV_b.c1.1.${2 ** 53}.3.1.7`;
    assert.equal(deliveryOf(reply)?.streamSequence, 2 ** 53);
  });
});

describe("a record's time to live", () => {
  test("is whole seconds or a duration", () => {
    for (const [text, ms] of [
      ["5", 5000],
      ["5s", 5000],
      ["1h30m", 5_400_000],
      ["1m0.5s", 60_500],
      ["1500ms", 1500],
    ] as const) {
      assert.equal(
        ttlMsOf((name) => (name === "Nats-TTL" ? text : "")),
        ms,
        text,
      );
    }
  });

  test("is none where there is no header, for never, and for what no server takes", () => {
    assert.equal(ttlMsOf(undefined), undefined);
    for (const text of ["", "never", "0", "0s", "-5s", "5 s", "soon", "1d"]) {
      assert.equal(
        ttlMsOf(() => text),
        undefined,
        text,
      );
    }
  });
});

function kind(headers: Record<string, string>): string {
  return kindOf((name) => headers[name] ?? "");
}

describe("the kind of a record", () => {
  test("is put without headers, and with others than a marker's", () => {
    assert.equal(kindOf(undefined), "put");
    assert.equal(kind({ "Nats-TTL": "5s", "Nats-Msg-Id": "x" }), "put");
    assert.equal(kind({ "KV-Operation": "PUT" }), "put");
  });

  test("is a removal for a client's markers", () => {
    assert.equal(kind({ "KV-Operation": "DEL" }), "delete");
    assert.equal(kind({ "KV-Operation": "PURGE", "Nats-Rollup": "sub" }), "purge");
  });

  test("is a removal for each of the server's markers", () => {
    assert.equal(kind({ "Nats-Marker-Reason": "MaxAge" }), "delete");
    assert.equal(kind({ "Nats-Marker-Reason": "Remove" }), "delete");
    assert.equal(kind({ "Nats-Marker-Reason": "Purge" }), "purge");
    assert.equal(kind({ "Nats-Marker-Reason": "Something new" }), "delete");
  });

  test("is read from stored headers too", () => {
    const stored = Buffer.from("NATS/1.0\r\nKV-Operation: DEL\r\nX:  y \r\n\r\n").toString(
      "base64",
    );
    assert.equal(kindOf(storedHeaders(stored)), "delete");
    assert.equal(storedHeaders(stored)("X"), "y");
  });
});
