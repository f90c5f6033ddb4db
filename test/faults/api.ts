import type { NatsConnection as Client } from "@nats-io/nats-core";
import { until } from "../support/until.js";

/** An answer that is not there by then does not come: who was asked is gone, or nobody leads. */
const ANSWER_MS = 1_000;
/** Through an election. */
const PATIENCE_MS = 20_000;

interface Failure {
  readonly error?: { readonly description: string; readonly err_code: number };
}

/** A request of the JetStream API, asked again until it is answered. Throws the server's description of a failure. */
export async function askApi<T = unknown>(
  client: Client,
  subject: string,
  body?: unknown,
  answerMs = ANSWER_MS,
): Promise<T> {
  const payload = body === undefined ? "" : JSON.stringify(body);
  const answer = await until(
    `an answer to ${subject}`,
    () =>
      client.request(`$JS.API.${subject}`, payload, { timeout: answerMs }).catch(() => undefined),
    PATIENCE_MS,
  );
  const parsed = answer.json<T & Failure>();
  if (parsed.error !== undefined) {
    throw new Error(`${subject}: ${parsed.error.description} (${parsed.error.err_code})`);
  }
  return parsed;
}
