import type { NatsConnection as Client, TlsOptions } from "@nats-io/nats-core";
import { MillpondError } from "../errors/index.js";
import { systemClock, systemRandom, type Clock, type Random } from "../platform/index.js";
import { JetStreamApi } from "./api.js";
import { checkServer } from "./check-server.js";
import { NatsConnection } from "./connection.js";
import { authenticatorOf, type Credentials } from "./credentials.js";
import { dial, giveUpLine, hangUp, type Target } from "./dial.js";
import { dialOn } from "./dial-on.js";
import { Link } from "./link.js";
import { parseServers } from "./servers.js";
import { tlsOptionsOf } from "./tls.js";

/** Options of every connection to NATS, also over a client that is connected already. */
export interface SharedOptions {
  /** Longest wait for the answer to one request, in milliseconds: 1 to 30,000. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /**
   * Reads a value of no bytes as deleted, for buckets shared with the original, which deletes under a version by writing
   * one. Default false: an empty value is a value.
   */
  readonly emptyValueIsDelete?: boolean;
  /** First part of the subjects on which answers come, for users who may not use `_INBOX`. */
  readonly inboxPrefix?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Spreads retries. Default `Math.random`. */
  readonly random?: Random;
}

/** What {@link connect} is given. */
export interface ConnectOptions extends SharedOptions, Credentials {
  /**
   * Addresses, in a list or separated by commas: `nats://host:4222`, `tls://host`, `host`. User information in them is used
   * where no other credentials are given. `tls://` anywhere means never in plaintext, and a server's certificate is checked
   * against the name or number it is addressed by; with `nats://` the client encrypts where the server offers it, and whoever sits
   * in between can have it not offered.
   */
  readonly servers: string | readonly string[];
  /**
   * Certificates and keys, as the client takes them: `caFile` or `ca`, for a client certificate `certFile` and `keyFile` or `cert`
   * and `key`; `handshakeFirst`. Files are read at each dial. Given at all, even empty, plaintext is refused.
   */
  readonly tls?: TlsOptions;
  /** Shown in the server's list of connections. Default `millpond`. */
  readonly name?: string;
  /** Gives up connecting; has no effect once {@link connect} has resolved. */
  readonly signal?: AbortSignal;
  /**
   * Whether {@link connect} waits for a server, and fails where none answers. Default true. Given false it resolves at once, and
   * dials on in the background until it succeeds or is closed: so a replica can be opened, and its copy read, while the network is
   * away. Until then every request throws `not-connected`, or what only a person can mend (`authorization`, `tls-failed`,
   * `server-too-old`, `operation-failed` without JetStream).
   */
  readonly waitForServer?: boolean;
}

const MAX_REQUEST_MS = 30_000;

/**
 * Connects to the first server that answers, and keeps the connection: a lost one is taken up again for as long as it is not
 * closed, every 0.25 to 1 s; every 1 to 2 s while the server refuses the credentials, and then requests throw `authorization`.
 * Throws `connection-failed` (no server answers; it is not retried here, see {@link ConnectOptions.waitForServer}), `tls-failed` (no
 * TLS where it must be, a certificate that is not trusted), `authorization`, `server-too-old` (below 2.10), `operation-failed` (no
 * JetStream), `invalid-argument`, `io` (creds file, files of TLS).
 */
export async function connect(options: ConnectOptions): Promise<NatsConnection> {
  options.signal?.throwIfAborted();
  const target = await targetOf(options);
  const link = linkOf(options);
  if (options.waitForServer === false) {
    return connectionOver(link, options, dialOn(target, link));
  }
  const client = await dial(target, options.signal);
  link.attach(client, () => giveUpLine(client));
  return connectionOver(link, options, () => hangUp(client));
}

/**
 * A connection over one of the client's own, so that a service shares one. It stays the caller's: `close` leaves it open, and
 * how it reconnects is the caller's choice (`maxReconnectAttempts: -1`, or it ends for good after about 20 s). Throws as
 * {@link connect}, and `not-connected` where it is not connected now.
 */
export async function fromConnection(
  client: Client,
  options: SharedOptions = {},
): Promise<NatsConnection> {
  const link = linkOf(options);
  await checkServer(client, requestTimeoutOf(options));
  link.attach(client);
  return connectionOver(link, options, async () => {});
}

async function targetOf(options: ConnectOptions): Promise<Target> {
  const servers = parseServers(options.servers);
  const requestTimeoutMs = requestTimeoutOf(options);
  return {
    servers,
    authenticator: await authenticatorOf(options, servers.login),
    tls: await tlsOptionsOf(servers, options.tls),
    name: options.name ?? "millpond",
    inboxPrefix: options.inboxPrefix,
    requestTimeoutMs,
    random: options.random ?? systemRandom,
  };
}

function linkOf(options: SharedOptions): Link {
  return new Link({
    requestTimeoutMs: requestTimeoutOf(options),
    inboxPrefix: options.inboxPrefix,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  });
}

function connectionOver(
  link: Link,
  { emptyValueIsDelete = false }: SharedOptions,
  release: () => Promise<void>,
): NatsConnection {
  return new NatsConnection(new JetStreamApi(link), { emptyValueIsDelete, release });
}

function requestTimeoutOf({ requestTimeoutMs = MAX_REQUEST_MS }: SharedOptions): number {
  if (requestTimeoutMs >= 1 && requestTimeoutMs <= MAX_REQUEST_MS) return requestTimeoutMs;
  throw new MillpondError(
    "invalid-argument",
    `requestTimeoutMs is 1 to ${MAX_REQUEST_MS} and not ${requestTimeoutMs}`,
  );
}
