import assert from "node:assert/strict";
import * as fc from "fast-check";
import { parseServers } from "../../../src/nats/servers.js";
import { requireServer } from "../../../src/nats/server-version.js";
import { printed } from "../../support/printed.js";
import { integerBelow } from "../../support/seed.js";
import { jsonOf } from "../arbitrary.js";
import { mutatedText } from "../mutate.js";
import { refusal, textTarget, type Verdict } from "../target.js";

const SECRET = "s3cr3t";
const ADDRESSES = [
  "nats://host:4222",
  "host",
  "tls://[::1]:80/",
  `nats://user:${SECRET}@host:4222`,
  `tls://${SECRET}@host`,
  `nats://${SECRET}-user:p%3Aa%2F${SECRET}@host,nats://${SECRET}-user:p%3Aa%2F${SECRET}@other:1`,
  `user:${SECRET}@127.0.0.1:65535`,
  `http://user:${SECRET}@host`,
];

/** An address is refused, and nothing of it shown; or it gives hosts with a port, whatever else is in it. */
function checkAddress(text: string): Verdict {
  try {
    const { hosts } = parseServers(text);
    assert.ok(hosts.length > 0);
    for (const host of hosts) {
      assert.match(host, /^[^\s/@#?\\]+:\d{1,5}$/);
      assert.ok(Number(/\d+$/.exec(host)?.[0]) <= 65_535, host);
    }
    return "accepted";
  } catch (error) {
    const code = refusal(error, ["invalid-argument"]);
    assert.ok(!printed(error).includes(SECRET), printed(error));
    return code;
  }
}

interface Place {
  readonly tls: boolean;
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
}

const place: fc.Arbitrary<Place> = fc.record({
  tls: fc.boolean(),
  user: fc.string({ unit: "grapheme", maxLength: 8 }),
  password: fc.string({ unit: "grapheme", maxLength: 8 }),
  host: fc.constantFrom("a", "host.example", "127.0.0.1", "[::1]"),
  port: fc.integer({ min: 1, max: 65_535 }),
});

/** What is written as an address, percent-encoded, is read back as it was. */
function checkPlace(text: string): Verdict {
  const found = objectOf(text);
  if (!isPlace(found)) return "refused";
  const { tls, user, password, host, port } = found;
  const login = `${encodeURIComponent(user)}${password === "" ? "" : `:${encodeURIComponent(password)}`}`;
  const scheme = tls ? "tls" : "nats";
  const parsed = parseServers(`${scheme}://${login === "" ? "" : `${login}@`}${host}:${port}`);
  assert.deepEqual(parsed.hosts, [`${host}:${port}`]);
  assert.equal(parsed.tls, tls);
  const expected =
    login === ""
      ? undefined
      : password === ""
        ? { kind: "token", token: user }
        : { kind: "user", user, password };
  assert.deepEqual(parsed.login, expected);
  return "accepted";
}

function objectOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== "object" || value === null) return false;
  const { tls, user, password, host, port } = value as Record<string, unknown>;
  return (
    typeof tls === "boolean" &&
    [user, password].every((part) => typeof part === "string" && part.isWellFormed()) &&
    typeof host === "string" &&
    ["a", "host.example", "127.0.0.1", "[::1]"].includes(host) &&
    Number.isInteger(port) &&
    (port as number) > 0 &&
    (port as number) <= 65_535
  );
}

const VERSIONS = ["2.10.27", "2.15.1", "v2.11.0-beta.1", "2.9.10", "3.0", "0.0", ""];

/** A version is refused, or its numbers are 2.10 or more. */
function checkVersion(text: string): Verdict {
  try {
    const [major, minor] = requireServer(text);
    assert.ok(major > 2 || (major === 2 && minor >= 10), text);
    return "accepted";
  } catch (error) {
    return refusal(error, ["server-too-old"]);
  }
}

export const addressTargets = [
  textTarget({
    name: "address",
    share: 500,
    check: checkAddress,
    generate: (random) => mutatedText(random, ADDRESSES),
  }),
  textTarget({ name: "login", share: 200, check: checkPlace, ...jsonOf(place) }),
  textTarget({
    name: "version",
    share: 500,
    check: checkVersion,
    generate: (random) => mutatedText(random, VERSIONS.slice(integerBelow(random, 2))),
  }),
];
