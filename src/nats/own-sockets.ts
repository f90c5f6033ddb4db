import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { sleep, systemClock } from "../platform/index.js";
import { unlessAborted } from "./abort.js";

/** On which Node tells of each outgoing TCP socket that it makes. */
const NEW_SOCKETS = "net.client.socket";

interface Socket {
  readonly destroyed: boolean;
  destroy(): unknown;
}

/** Between looks at whether the server has hung up. Events of the socket would not tell: the client removes all listeners. */
const LOOK_MS = 50;

/**
 * What `dial` gives. Where it fails, or is given up, the sockets that it opened are closed.
 *
 * The client does not do that (3.4.0): a socket on which the server never introduced itself stays open after the time-out,
 * and keeps the process alive. Nothing that the client offers reaches it, so it is caught where Node makes it, and told from
 * the sockets of others by the asynchronous context in which it is made. Not caught is one that begins with TLS
 * (`tls.handshakeFirst`), of which Node does not tell.
 *
 * Nor does the client notice that a server closes the connection after it introduced itself, as one does that wants a client
 * certificate and was given none: it waits for its time-out. With `onlyServer`, when there is no other to go on to, that is noticed
 * here.
 */
export async function closingSockets<T>(
  dial: () => Promise<T>,
  {
    signal,
    onlyServer,
    discard,
  }: {
    readonly signal: AbortSignal | undefined;
    readonly onlyServer: boolean;
    readonly discard: (late: T) => Promise<void>;
  },
): Promise<T> {
  const context = new AsyncLocalStorage<true>();
  const sockets = new Set<Socket>();
  const giveUp = new AbortController();
  let failed = false;
  const onSocket = (message: unknown): void => {
    if (context.getStore() === undefined) return;
    const { socket } = message as { readonly socket: Socket };
    sockets.add(socket);
    // A dial that was given up goes on to the next address of its list. Not at once: a socket that is destroyed before it
    // connects begins anew.
    if (failed) queueMicrotask(() => socket.destroy());
  };
  subscribe(NEW_SOCKETS, onSocket);
  const dialing = context.run(true, dial);
  const settled = (): void => {
    unsubscribe(NEW_SOCKETS, onSocket);
    context.disable();
  };
  dialing.then(settled, settled);
  const over = new AbortController();
  if (onlyServer) void noticeHangUp(sockets, giveUp, over.signal);
  try {
    const either = AbortSignal.any(
      signal === undefined ? [giveUp.signal] : [signal, giveUp.signal],
    );
    return await unlessAborted(dialing, either, discard);
  } catch (error) {
    failed = true;
    for (const socket of sockets) socket.destroy();
    throw error;
  } finally {
    over.abort();
  }
}

/** Aborts `giveUp` once all of `sockets` have been closed for two looks in a row. */
async function noticeHangUp(
  sockets: ReadonlySet<Socket>,
  giveUp: AbortController,
  over: AbortSignal,
): Promise<void> {
  let closedBefore = 0;
  while (!over.aborted) {
    await sleep(systemClock, LOOK_MS, over).catch(() => {});
    const closed = [...sockets].filter(({ destroyed }) => destroyed).length;
    if (closed > 0 && closed === sockets.size && closed === closedBefore) {
      giveUp.abort(new Error("the server closed the connection"));
    }
    closedBefore = closed;
  }
}
