import { readFile } from "node:fs/promises";
import {
  jwtAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
} from "@nats-io/nats-core";
import { IoError, MillpondError } from "../errors/index.js";
import { credsIn } from "./creds-text.js";
import type { UrlLogin } from "./servers.js";

/** How to log in. Where several are given, the first in this order counts; none of them is ever printed. */
export interface Credentials {
  /** The contents of a creds file, in base64: for an environment variable. */
  readonly credsBase64?: string;
  /** Path of a creds file, as `nsc` writes it. Line ends may be CRLF. Read anew at each dial, for the next one. */
  readonly credsFile?: string;
  /** Seed of an nkey, `SU…`. */
  readonly nkeySeed?: string;
  readonly token?: string;
  readonly user?: string;
  /** Needs `user`. */
  readonly password?: string;
}

/**
 * The client's authenticator for the first form that is given: `credsBase64`, `credsFile`, `nkeySeed`, `token`, `user` and
 * `password`, what a server's address holds, none. Throws `invalid-argument` for credentials that cannot be read, and `io` for
 * a file that cannot.
 */
export async function authenticatorOf(
  credentials: Credentials,
  fromUrl: UrlLogin | undefined,
): Promise<Authenticator | undefined> {
  const { credsBase64, credsFile, nkeySeed, token, user, password } = credentials;
  if (credsBase64 !== undefined) {
    return credsOf(Buffer.from(credsBase64, "base64").toString("utf8"), "credsBase64");
  }
  if (credsFile !== undefined) return await credsOfFile(credsFile);
  if (nkeySeed !== undefined) {
    return tried(nkeyAuthenticator(new TextEncoder().encode(nkeySeed.trim())), "nkeySeed");
  }
  if (token !== undefined) return tokenAuthenticator(token);
  if (user !== undefined) return usernamePasswordAuthenticator(user, password);
  if (password !== undefined) {
    throw new MillpondError("invalid-argument", "a password is given without a user", {
      hint: "Give user as well.",
    });
  }
  switch (fromUrl?.kind) {
    case "token":
      return tokenAuthenticator(fromUrl.token);
    case "user":
      return usernamePasswordAuthenticator(fromUrl.user, fromUrl.password);
    case undefined:
      return undefined;
  }
}

/**
 * Each dial has the file read anew, for the dial after it: a service outlives its credentials, and the client wants its answer at
 * once. A file that cannot be used, as while it is being replaced, leaves those that were good before.
 */
async function credsOfFile(path: string): Promise<Authenticator> {
  const what = `creds file ${path}`;
  let good = credsOf(await read(path), what);
  const refresh = async (): Promise<void> => {
    try {
      good = credsOf(await read(path), what);
    } catch {
      // See above.
    }
  };
  return (nonce) => {
    void refresh();
    return good(nonce);
  };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new IoError(path, "read creds file", error, "Check the path and its permissions.");
  }
}

function credsOf(text: string, what: string): Authenticator {
  const parts = credsIn(text);
  if (parts === undefined) throw unusable(what);
  const { jwt, seed } = parts;
  return tried(jwtAuthenticator(jwt, new TextEncoder().encode(seed)), what);
}

/** Signs something at once: later, inside the client, a bad seed would only close the connection. */
function tried(authenticator: Authenticator, what: string): Authenticator {
  try {
    authenticator("nonce");
    return authenticator;
  } catch {
    // Not as the cause: what the client throws may quote what it could not read.
    throw unusable(what);
  }
}

function unusable(what: string): MillpondError {
  return new MillpondError("invalid-argument", `${what} holds no credentials that can be used`, {
    hint: "Give the file that nsc wrote, whole: a JWT and a seed between their dashed lines.",
  });
}
