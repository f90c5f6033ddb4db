import type { Authenticator, NatsConnection as Client, TlsOptions } from "@nats-io/nats-core";
import { connect as connectClient } from "@nats-io/transport-node";
import { MillpondError } from "../errors/index.js";
import { systemClock, type Random } from "../platform/index.js";
import { unlessAborted } from "./abort.js";
import { checkServer } from "./check-server.js";
import { fromClientError, isNoResponders } from "./errors.js";
import { HandshakeLimits, MAX_HANDSHAKE_MS } from "./handshakes.js";
import { closingSockets } from "./own-sockets.js";
import { ReconnectPace } from "./reconnect-pace.js";
import type { ParsedServers } from "./servers.js";
import { isTlsFailure, tlsHintOf } from "./tls.js";

/** Where to, and as whom: checked and complete. Never printed, for it holds secrets. */
export interface Target {
  readonly servers: ParsedServers;
  readonly authenticator: Authenticator | undefined;
  /** Given at all, even empty, plaintext is refused. */
  readonly tls: TlsOptions | undefined;
  readonly name: string;
  readonly inboxPrefix: string | undefined;
  readonly requestTimeoutMs: number;
  readonly random: Random;
}

/** Two unanswered pings end a connection whose other end has vanished: 15 to 20 s, where nobody waits for anything sooner. */
const PING_INTERVAL_MS = 7_500;

/**
 * A client connected to the first server that answers, which was found fit. Throws `connection-failed`, `tls-failed`,
 * `authorization` and what {@link checkServer} does; the signal's reason.
 */
export async function dial(target: Target, signal: AbortSignal | undefined): Promise<Client> {
  const client = await connected(target, signal);
  try {
    const checking = checkServer(client, target.requestTimeoutMs);
    await unlessAborted(checking, signal, async () => {});
    return client;
  } catch (error) {
    await hangUp(client);
    throw error;
  }
}

/**
 * Closes a client of {@link dial}. Its own `close` leaves the socket open if the client is just then dialing again, to a server
 * that does not introduce itself (3.4.0): that one is reached past the client's types, and only here.
 */
export async function hangUp(client: Client): Promise<void> {
  const { protocol } = client as unknown as {
    readonly protocol?: { readonly transport?: { discard?(): void } };
  };
  await client.close();
  protocol?.transport?.discard?.();
}

/**
 * Closes the line of a client of {@link dial}, which then dials another. What still waits to be sent would hold up the client's own
 * `reconnect` (3.4.0), so the socket is closed as well, past the client's types.
 */
export function giveUpLine(client: Client): void {
  const { protocol } = client as unknown as {
    readonly protocol?: { readonly transport?: { readonly socket?: { destroy(): unknown } } };
  };
  const socket = protocol?.transport?.socket;
  client.reconnect().catch(() => {});
  socket?.destroy();
}

async function connected(target: Target, signal: AbortSignal | undefined): Promise<Client> {
  const { servers, authenticator, inboxPrefix, tls } = target;
  const pace = new ReconnectPace(target.random);
  const longestMs = Math.min(target.requestTimeoutMs, MAX_HANDSHAKE_MS);
  const start = (): Promise<Client> =>
    connectClient({
      servers: [...servers.hosts],
      name: target.name,
      timeout: longestMs,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => pace.delayMs,
      pingInterval: PING_INTERVAL_MS,
      // A server that refuses us while its accounts are reloaded must not end a connection for good.
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
      ...(authenticator === undefined ? {} : { authenticator }),
      // Without options the client would go on in plaintext where the server has no TLS.
      ...(tls === undefined ? {} : { tls }),
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    });
  try {
    const onlyServer = servers.hosts.length === 1;
    const beganAt = systemClock.now();
    const client = await closingSockets(start, { signal, onlyServer, discard: hangUp });
    const tookMs = systemClock.now() - beganAt;
    pace.follow(client);
    void new HandshakeLimits(target.random, tookMs, longestMs).follow(client);
    return client;
  } catch (error) {
    signal?.throwIfAborted();
    throw connectFailure(error, target);
  }
}

function connectFailure(error: unknown, { servers, tls }: Target): MillpondError {
  const mapped = fromClientError(error, "connect");
  const where = servers.hosts.join(", ");
  if (mapped.code === "authorization") {
    return new MillpondError("authorization", `${where} refuses these credentials`, {
      cause: error,
      hint: "Check the creds file, user and password, or token; and that they belong to this server.",
    });
  }
  const reason = mapped.code === "timeout" ? "no answer in time" : messageOf(error);
  if (isTlsFailure(error)) {
    return new MillpondError("tls-failed", `no trusted TLS with ${where}: ${reason}`, {
      cause: error,
      hint: tlsHintOf(error) ?? "Check the certificates and keys of both sides.",
    });
  }
  const hint = tls === undefined ? undefined : tlsHintOf(error);
  return new MillpondError("connection-failed", `cannot connect to ${where}: ${reason}`, {
    cause: error,
    hint: hint ?? "Check the address, and that the server runs and can be reached from here.",
  });
}

function messageOf(error: unknown): string {
  if (isNoResponders(error)) return "no answer";
  // OpenSSL ends its own with a line break.
  return error instanceof Error ? error.message.trim() : String(error);
}
