import assert from "node:assert/strict";
import type { Random } from "../../../src/platform/index.js";
import { authenticatorOf } from "../../../src/nats/credentials.js";
import { printed } from "../../support/printed.js";
import { mutatedText } from "../mutate.js";
import { refusal, textTarget, type Verdict } from "../target.js";

/** Of no use anywhere: made for this, so that the same numbers make the same input. */
const SEED = ["SUAD3ML6FB6U7552UUGWEPNIBQYA35FE", "HR7YD26REVWMKF4SSLCZJNNRYE"].join("");
const JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJuYW1lIjoiYSJ9.c2lnbmF0dXJl";
const CREDS = [
  "-----BEGIN NATS USER JWT-----",
  JWT,
  "------END NATS USER JWT------",
  "",
  "************************* IMPORTANT *************************",
  "-----BEGIN USER NKEY SEED-----",
  SEED,
  "------END USER NKEY SEED------",
  "",
].join("\n");
const CORPUS = [CREDS, CREDS.replaceAll("\n", "\r\n"), CREDS.trimEnd(), SEED, `${SEED}\n`, JWT];
/** Long enough not to be in a message by chance. */
const PIECE = 10;

/** Credentials that cannot be used are refused with nothing of them shown; those that can sign, and show nothing either. */
async function check(text: string): Promise<Verdict> {
  const credsBase64 = Buffer.from(text).toString("base64");
  const verdicts: Verdict[] = [];
  for (const credentials of [{ credsBase64 }, { nkeySeed: text }]) {
    try {
      const authenticator = await authenticatorOf(credentials, undefined);
      requireSilent(printed(authenticator), text);
      verdicts.push("accepted");
    } catch (error) {
      verdicts.push(refusal(error, ["invalid-argument"]));
      requireSilent(printed(error), text);
    }
  }
  return verdicts.includes("accepted") ? "accepted" : "invalid-argument";
}

/** No piece of a seed or a token of this text. */
function requireSilent(shown: string, text: string): void {
  for (const [word] of text.matchAll(/[\w.-]+/g)) {
    if (!/[A-Z0-9]{20}|eyJ/.test(word)) continue;
    for (let at = 0; at + PIECE <= word.length; at += 1) {
      const piece = word.slice(at, at + PIECE);
      assert.ok(
        !shown.includes(piece) || /^-*[A-Z]*-*$/.test(piece),
        `a secret is shown: ${shown}`,
      );
    }
  }
}

export const credentialsTarget = textTarget({
  name: "credentials",
  share: 20,
  check,
  generate: (random: Random) => mutatedText(random, CORPUS),
});
