import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { unlessAborted } from "./abort.js";

/** On which Node tells of each outgoing TCP socket that it makes. */
const NEW_SOCKETS = "net.client.socket";

interface Destroyable {
  destroy(): unknown;
}

/**
 * What `dial` gives. Where it fails, or is given up, the sockets that it opened are closed.
 *
 * The client does not do that (3.4.0): a socket on which the server never introduced itself stays open after the time-out,
 * and keeps the process alive. Nothing that the client offers reaches it, so it is caught where Node makes it, and told from
 * the sockets of others by the asynchronous context in which it is made. Not caught is one that begins with TLS
 * (`tls.handshakeFirst`), of which Node does not tell.
 */
export async function closingSockets<T>(
  dial: () => Promise<T>,
  signal: AbortSignal | undefined,
  discard: (late: T) => Promise<void>,
): Promise<T> {
  const context = new AsyncLocalStorage<true>();
  const sockets = new Set<Destroyable>();
  let over = false;
  const onSocket = (message: unknown): void => {
    if (context.getStore() === undefined) return;
    const { socket } = message as { readonly socket: Destroyable };
    sockets.add(socket);
    // A dial that was given up goes on to the next address of its list. Not at once: a socket that is destroyed before it
    // connects begins anew.
    if (over) queueMicrotask(() => socket.destroy());
  };
  subscribe(NEW_SOCKETS, onSocket);
  const dialing = context.run(true, dial);
  const settled = (): void => {
    unsubscribe(NEW_SOCKETS, onSocket);
    context.disable();
  };
  dialing.then(settled, settled);
  try {
    return await unlessAborted(dialing, signal, discard);
  } catch (error) {
    over = true;
    for (const socket of sockets) socket.destroy();
    throw error;
  }
}
