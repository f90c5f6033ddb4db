import type { NatsConnection as Client, TlsOptions } from "@nats-io/nats-core";
import { connect as connectClient } from "@nats-io/transport-node";
import { MillpondError } from "../errors/index.js";
import { systemClock, systemRandom, type Clock, type Random } from "../platform/index.js";
import { unlessAborted } from "./abort.js";
import { JetStreamApi } from "./api.js";
import { NatsConnection } from "./connection.js";
import { authenticatorOf, type Credentials } from "./credentials.js";
import { fromClientError, isNoResponders } from "./errors.js";
import { Link } from "./link.js";
import { parseServers, type ParsedServers } from "./servers.js";
import { requireServer } from "./server-version.js";

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

export interface ConnectOptions extends SharedOptions, Credentials {
  /**
   * Addresses, in a list or separated by commas: `nats://host:4222`, `tls://host`, `host`. User information in them is used
   * where no other credentials are given. `tls://` anywhere means never in plaintext.
   */
  readonly servers: string | readonly string[];
  /** Certificates and keys, as the client takes them. Given at all, even empty, plaintext is refused. */
  readonly tls?: TlsOptions;
  /** Shown in the server's list of connections. Default `millpond`. */
  readonly name?: string;
  /** Gives up connecting; has no effect later. */
  readonly signal?: AbortSignal;
}

const MAX_REQUEST_MS = 30_000;
const MAX_HANDSHAKE_MS = 20_000;
/** Two unanswered pings end a connection whose other end has vanished: 15 to 20 s. */
const PING_INTERVAL_MS = 7_500;
const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 750;

/**
 * Connects to the first server that answers, and keeps the connection: a lost one is taken up again for as long as it is not
 * closed, every 0.25 to 1 s. Throws `connection-failed` (no server answers; it is not retried here), `authorization`,
 * `server-too-old` (below 2.10), `operation-failed` (no JetStream), `invalid-argument`, `io` (creds file).
 */
export async function connect(options: ConnectOptions): Promise<NatsConnection> {
  options.signal?.throwIfAborted();
  const servers = parseServers(options.servers);
  const requestTimeoutMs = requestTimeoutOf(options);
  const client = await dial(options, servers, requestTimeoutMs);
  return await adopt(client, options, true);
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
  requestTimeoutOf(options);
  return await adopt(client, options, false);
}

async function dial(
  options: ConnectOptions,
  servers: ParsedServers,
  requestTimeoutMs: number,
): Promise<Client> {
  const authenticator = await authenticatorOf(options, servers.login);
  const secure = servers.tls || options.tls !== undefined;
  const dialing = connectClient({
    servers: [...servers.hosts],
    name: options.name ?? "millpond",
    timeout: Math.min(requestTimeoutMs, MAX_HANDSHAKE_MS),
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_INTERVAL_MS,
    // A server that refuses us while its accounts are reloaded must not end a connection for good.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(authenticator === undefined ? {} : { authenticator }),
    // Without options the client would go on in plaintext where the server has no TLS.
    ...(secure ? { tls: options.tls ?? {} } : {}),
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
  });
  try {
    return await unlessAborted(dialing, options.signal, (late) => late.close());
  } catch (error) {
    options.signal?.throwIfAborted();
    throw connectFailure(error, servers);
  }
}

async function adopt(
  client: Client,
  options: SharedOptions,
  ownsClient: boolean,
): Promise<NatsConnection> {
  try {
    await client.rtt();
    const link = new Link(client, {
      requestTimeoutMs: requestTimeoutOf(options),
      inboxPrefix: options.inboxPrefix,
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
    });
    requireServer(link.server.version);
    const api = new JetStreamApi(link);
    await requireJetStream(api);
    return new NatsConnection(api, ownsClient, options.emptyValueIsDelete ?? false);
  } catch (error) {
    if (ownsClient) await client.close();
    if (error instanceof Error && error.message === "connection disconnected") {
      throw new MillpondError("not-connected", "the connection is down", { cause: error });
    }
    throw fromClientError(error, "use the connection");
  }
}

/** A user who may not ask for the account's figures may still use its buckets. */
async function requireJetStream(api: JetStreamApi): Promise<void> {
  try {
    await api.checkEnabled();
  } catch (error) {
    if (error instanceof MillpondError && error.code === "authorization") return;
    throw error;
  }
}

function requestTimeoutOf({ requestTimeoutMs = MAX_REQUEST_MS }: SharedOptions): number {
  if (requestTimeoutMs >= 1 && requestTimeoutMs <= MAX_REQUEST_MS) return requestTimeoutMs;
  throw new MillpondError(
    "invalid-argument",
    `requestTimeoutMs is 1 to ${MAX_REQUEST_MS} and not ${requestTimeoutMs}`,
  );
}

function connectFailure(error: unknown, servers: ParsedServers): MillpondError {
  const mapped = fromClientError(error, "connect");
  const where = servers.hosts.join(", ");
  if (mapped.code === "authorization") {
    return new MillpondError("authorization", `${where} refuses these credentials`, {
      cause: error,
      hint: "Check the creds file, user and password, or token; and that they belong to this server.",
    });
  }
  const reason = mapped.code === "timeout" ? "no answer in time" : messageOf(error);
  const plaintext = /not support 'tls'/.test(reason);
  return new MillpondError("connection-failed", `cannot connect to ${where}: ${reason}`, {
    cause: error,
    hint: plaintext
      ? "The server has no TLS. Use nats:// only if the network may read everything."
      : "Check the address, and that the server runs and can be reached from here.",
  });
}

function messageOf(error: unknown): string {
  if (isNoResponders(error)) return "no answer";
  return error instanceof Error ? error.message : String(error);
}
