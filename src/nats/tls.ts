import { readFile } from "node:fs/promises";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { TlsOptions } from "@nats-io/nats-core";
import { IoError } from "../errors/index.js";
import type { ParsedServers } from "./servers.js";

/** What Node gives as a host where the client names none: for every server that is addressed by number (3.4.0). */
const UNNAMED = "localhost";

/** An IP address, of which only IPv6 has colons. */
const NUMBER = /^[\d.]+$|:/;

/**
 * What the client is given where plaintext must not do; `undefined` where it may. Throws `io` for a file that cannot be read: the
 * client, which reads the files anew at each dial, would only fail to connect.
 */
export async function tlsOptionsOf(
  servers: ParsedServers,
  tls: TlsOptions | undefined,
): Promise<TlsOptions | undefined> {
  if (!servers.tls && tls === undefined) return undefined;
  for (const path of [tls?.certFile, tls?.keyFile, tls?.caFile]) {
    if (path !== undefined) await requireReadable(path);
  }
  // Past the client's types, but it hands all of this object to Node.
  return { checkServerIdentity: identityCheck(servers.hosts), ...tls } as TlsOptions;
}

async function requireReadable(path: string): Promise<void> {
  try {
    await readFile(path);
  } catch (error) {
    throw new IoError(path, "read for TLS", error, "Check the path and its permissions.");
  }
}

/**
 * A server that is addressed by number must have a certificate for one of the numbers given. By itself the client lets Node look
 * for `localhost` in it, which certificates of a private authority often name.
 */
function identityCheck(
  hosts: readonly string[],
): (name: string, certificate: PeerCertificate) => Error | undefined {
  const given = hosts.map((host) => host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1"));
  const unnamed = given.filter((host) => NUMBER.test(host) || host === UNNAMED);
  return (name, certificate) => {
    if (name !== UNNAMED || unnamed.length === 0) return checkServerIdentity(name, certificate);
    const failures = unnamed.map((host) => checkServerIdentity(host, certificate));
    return failures.includes(undefined) ? undefined : failures[0];
  };
}

/** By codes and texts of Node 20 and OpenSSL 3; the first that fits. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /not support 'tls'/,
    "The server has no TLS. Use nats:// only if the network may read everything.",
  ],
  [
    /ALTNAME|HOSTNAME_MISMATCH/,
    "Connect by a name or number that the server's certificate has, with tls:// before it.",
  ],
  [/HAS_EXPIRED|NOT_YET_VALID/, "Renew the certificate, or check this machine's clock."],
  [
    /SELF_SIGNED|UNABLE_TO_|UNTRUSTED|INVALID_CA/,
    "Give the certificate of the authority that signed the server's (tls.caFile), if it is to be trusted.",
  ],
  [
    /WRONG_VERSION|undefined error/,
    "Set tls.handshakeFirst where the server's handshake_first is set, and only there.",
  ],
  [
    /PEM|ERR_OSSL|KEY_VALUES_MISMATCH/,
    "Check that the files of tls hold a certificate and its key in PEM.",
  ],
  [
    /ALERT|EPROTO|closed the connection/,
    "The server may want a client certificate: tls.certFile and tls.keyFile, signed by an authority that it trusts.",
  ],
];

const TLS_CODES = /^(?:CERT_|CRL_|ERR_(?:TLS|SSL|OSSL)|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO)/;
const TLS_TEXTS = /not support 'tls'|PEM routines|SSL routines/;

/** Whether the client failed because no trusted TLS came about, which no waiting mends. */
export function isTlsFailure(error: unknown): boolean {
  return causesOf(error).some(
    ({ code = "", message }) => TLS_CODES.test(code) || TLS_TEXTS.test(message),
  );
}

/** What to do about a failure with TLS; `undefined` where there is nothing to say. */
export function tlsHintOf(error: unknown): string | undefined {
  const said = causesOf(error)
    .map(({ code = "", message }) => `${code} ${message}`)
    .join(" ");
  return HINTS.find(([pattern]) => pattern.test(said))?.[1];
}

/** The error and what caused it, three deep: the client wraps. */
function causesOf(error: unknown): { readonly code?: string; readonly message: string }[] {
  const causes: { readonly code?: string; readonly message: string }[] = [];
  let at = error;
  while (at instanceof Error && causes.length < 3) {
    causes.push(at);
    at = at.cause;
  }
  return causes;
}
