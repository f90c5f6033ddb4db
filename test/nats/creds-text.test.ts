import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { credsIn } from "../../src/nats/creds-text.js";

const FILE = `-----BEGIN NATS USER JWT-----
the.jwt
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
THESEED
------END USER NKEY SEED------

*************************************************************
`;
const PARTS = { jwt: "the.jwt", seed: "THESEED" };

describe("a creds file", () => {
  test("has two parts between dashed lines, with line ends and blanks of any kind", () => {
    for (const text of [
      FILE,
      FILE.replaceAll("\n", "\r\n"),
      FILE.replaceAll("\n", "\r"),
      FILE.replaceAll("\n", "  \n\n  "),
      FILE.slice(0, FILE.lastIndexOf("\n\n")),
    ]) {
      assert.deepEqual(credsIn(text), PARTS, JSON.stringify(text));
    }
  });

  test("is none without both of them", () => {
    for (const text of [
      "",
      "the.jwt",
      FILE.slice(0, 120),
      FILE.replace("THESEED\n", ""),
      FILE.replaceAll("-----", "--"),
    ]) {
      assert.equal(credsIn(text), undefined, JSON.stringify(text));
    }
  });

  test("of a million dashes is read in one pass", () => {
    assert.equal(credsIn(`${"-".repeat(1_000_000)}\n`.repeat(3)), undefined);
  });
});
