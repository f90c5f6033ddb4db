import type { NatsConnection as Client } from "@nats-io/nats-core";
import { MillpondError } from "../errors/index.js";
import { answerOf, isAnything } from "./api-answers.js";
import { fromClientError } from "./errors.js";
import { requireServer } from "./server-version.js";

/**
 * Throws `server-too-old`; `operation-failed` where there is no JetStream, or none for this account; `not-connected`. A user who
 * may not ask for the account's figures may still use its buckets.
 */
export async function checkServer(client: Client, requestTimeoutMs: number): Promise<void> {
  const doing = "use JetStream";
  try {
    await client.rtt();
    requireServer(client.info?.version ?? "");
    const message = await client.request("$JS.API.INFO", "", { timeout: requestTimeoutMs });
    answerOf(doing, message, isAnything);
  } catch (error) {
    if (error instanceof Error && error.message === "connection disconnected") {
      throw new MillpondError("not-connected", "the connection is down", { cause: error });
    }
    const mapped = fromClientError(error, doing);
    if (mapped.code !== "authorization") throw mapped;
  }
}
