import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  deliveryOf,
  headersOf,
  meaningOf,
  nanosOfTime,
  storedHeaders,
  ttlMsOf,
} from "../../src/nats/message.js";
import { TTL_NEVER_MS } from "../../src/values/index.js";
import { delivered } from "../support/delivered-message.js";

const NUMBERS = {
  streamSequence: 12,
  consumerSequence: 3,
  pending: 7,
  timeMs: 1795351190875,
  timeNs: "1795351190875081963",
};

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
    for (const reply of [
      "",
      "_INBOX.x",
      "$JS.ACK.a.b",
      "$JS.ACK.KV_b.c1.1.x.3.1.7",
      "$JS.ACK.KV_b.c1.1.12.3.1795351190875081x63.7",
      "$JS.ACK.KV_b.c1.1.12.3.17953511908750819630.7",
      "$JS.ACK.KV_b.c1.1..3.1.7",
      "$JS.ACK.KV_b.c1.1.12.3..7",
    ]) {
      assert.equal(deliveryOf(reply), undefined, reply);
    }
  });

  test("gives only sequences that are exact", () => {
    const most = Number.MAX_SAFE_INTEGER;
    assert.equal(deliveryOf(`$JS.ACK.KV_b.c1.1.${most}.3.1.7`)?.streamSequence, most);
    assert.equal(deliveryOf(`$JS.ACK.KV_b.c1.1.${most + 1}.3.1.7`), undefined);
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

  test("of more than Go's longest duration is that", () => {
    for (const text of ["9223372037", "9".repeat(400), `${"9".repeat(400)}h`]) {
      assert.equal(
        ttlMsOf(() => text),
        9_223_372_036_854,
      );
    }
  });

  test("of never is one of its own", () => {
    assert.equal(
      ttlMsOf(() => "never"),
      TTL_NEVER_MS,
    );
  });

  test("is none where there is no header, and for what no server takes", () => {
    assert.equal(ttlMsOf(undefined), undefined);
    for (const text of ["", "0", "0s", "-5s", "5 s", "soon", "1d"]) {
      assert.equal(
        ttlMsOf(() => text),
        undefined,
        text,
      );
    }
  });
});

function meaning(headers: Record<string, string>, size = 1, emptyValueIsDelete = false): string {
  const found = meaningOf((name) => headers[name] ?? "", size, emptyValueIsDelete);
  return found.reason === undefined ? found.kind : `${found.kind}, ${found.reason}`;
}

describe("what a record means", () => {
  test("is put without headers, and with others than a marker's", () => {
    assert.deepEqual(meaningOf(undefined, 0, false), { kind: "put" });
    assert.equal(meaning({ "Nats-TTL": "5s", "Nats-Msg-Id": "x" }), "put");
    assert.equal(meaning({ "KV-Operation": "PUT" }), "put");
  });

  test("is a removal for a client's markers", () => {
    assert.equal(meaning({ "KV-Operation": "DEL" }), "delete, deleted");
    assert.equal(meaning({ "KV-Operation": "PURGE", "Nats-Rollup": "sub" }), "purge, purged");
  });

  test("is a removal for each of the server's markers", () => {
    assert.equal(meaning({ "Nats-Marker-Reason": "MaxAge" }), "delete, expired");
    assert.equal(meaning({ "Nats-Marker-Reason": "Remove" }), "delete, removed");
    assert.equal(meaning({ "Nats-Marker-Reason": "Purge" }), "purge, removed");
    assert.equal(meaning({ "Nats-Marker-Reason": "Something new" }), "delete, removed");
  });

  test("is a removal for no bytes where that is how the bucket is read, and a marker stays one", () => {
    assert.equal(meaning({}, 0, true), "delete, emptied");
    assert.equal(meaning({}, 1, true), "put");
    assert.equal(meaning({}, 0, false), "put");
    assert.equal(meaning({ "KV-Operation": "PURGE" }, 0, true), "purge, purged");
  });

  test("is read from stored headers too", () => {
    const stored = Buffer.from("NATS/1.0\r\nKV-Operation: DEL\r\nX:  y \r\n\r\n").toString(
      "base64",
    );
    assert.equal(meaningOf(storedHeaders(stored), 0, false).kind, "delete");
    assert.equal(storedHeaders(stored)("X"), "y");
  });

  test("is read from the first of several headers of a name, delivered or stored", () => {
    const lines = Buffer.from("NATS/1.0\r\nKV-Operation: PUT\r\nKV-Operation: DEL\r\n\r\n");
    assert.equal(meaningOf(storedHeaders(lines.toString("base64")), 1, false).kind, "put");
    assert.equal(meaningOf(headersOf(delivered(lines)), 1, false).kind, "put");
  });

  test("is read also where the client throws for another header", () => {
    const lines = Buffer.from("NATS/1.0\r\nA Name: x\r\nKV-Operation: DEL\r\n\r\n");
    assert.throws(() => delivered(lines).headers);
    assert.equal(meaningOf(headersOf(delivered(lines)), 1, false).kind, "delete");
  });
});

describe("the time of a stored message", () => {
  test("is exact to the nanosecond, however many decimals the server writes", () => {
    for (const [text, nanos] of [
      ["1970-01-01T00:00:01.000000001Z", 1_000_000_001n],
      ["2026-11-22T18:58:27.123456789Z", 1_795_373_907_123_456_789n],
      ["2026-11-22T18:58:27.5Z", 1_795_373_907_500_000_000n],
      ["2026-11-22T18:58:27Z", 1_795_373_907_000_000_000n],
      ["2026-11-22T20:58:27.5+02:00", 1_795_373_907_500_000_000n],
    ] as const) {
      assert.equal(nanosOfTime(text), nanos, text);
    }
    for (const text of ["soon", "Jan 1 2001 00:00:00Z", "2026-11-22T18:58Z", ""]) {
      assert.equal(nanosOfTime(text), undefined, text);
    }
  });
});
