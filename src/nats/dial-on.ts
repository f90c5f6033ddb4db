import type { NatsConnection as Client } from "@nats-io/nats-core";
import { isMillpondError, MillpondError } from "../errors/index.js";
import { keepProcessAlive, sleep } from "../platform/index.js";
import { backoffDelay } from "../rules/index.js";
import { dial, giveUpLine, hangUp, type Target } from "./dial.js";
import { fromClientError, notConnected } from "./errors.js";
import type { Link } from "./link.js";

/** Between dials, while no server answers. */
const AWAY_LIMITS = { minMs: 250, maxMs: 5_000 };
/** Between dials to a server that answers and will not do: until somebody has mended that. */
const REFUSED_LIMITS = { minMs: 2_000, maxMs: 30_000 };

/**
 * Dials until a server answers that will do, and gives it to `link`. Until then the link's requests throw why there is none.
 * The function returned ends the dialing, or closes the client that came of it.
 */
export function dialOn(target: Target, link: Link): () => Promise<void> {
  const stop = new AbortController();
  const dialing = keepDialing(target, link, stop.signal);
  return async () => {
    stop.abort(notConnected("closed"));
    const client = await dialing;
    if (client !== undefined) await hangUp(client);
  };
}

/** `undefined` where it was stopped before. Never throws. */
async function keepDialing(
  target: Target,
  link: Link,
  signal: AbortSignal,
): Promise<Client | undefined> {
  // As an open connection does.
  const letProcessEnd = keepProcessAlive();
  try {
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        const client = await dial(target, signal);
        link.attach(client, () => giveUpLine(client));
        return client;
      } catch (error) {
        const failure = fromClientError(error, "connect");
        const away = isAway(failure);
        link.refuseWith(away ? notYetConnected(failure) : failure);
        const delayMs = backoffDelay(away ? AWAY_LIMITS : REFUSED_LIMITS, failures, link.random());
        await sleep(link.clock, delayMs, signal).catch(() => {});
      }
    }
    return undefined;
  } finally {
    letProcessEnd();
  }
}

/** Whether time may mend it, and nobody else need to. */
function isAway(failure: MillpondError): boolean {
  return (["connection-failed", "not-connected", "timeout"] as const).some((code) =>
    isMillpondError(failure, code),
  );
}

function notYetConnected(failure: MillpondError): MillpondError {
  return new MillpondError("not-connected", `not connected yet: ${failure.message}`, {
    cause: failure,
    ...(failure.hint === undefined ? {} : { hint: failure.hint }),
  });
}
