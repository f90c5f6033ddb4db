import { connect as connectClient, type NatsConnection as Client } from "@nats-io/transport-node";
import { connect } from "../../src/nats/index.js";
import type { Connection } from "../../src/kv/index.js";
import type { BucketHarness, BucketOperator } from "../../src/testing/index.js";
import type { NatsServer } from "./nats-server.js";

const TIMEOUT_MS = 10_000;

/** A request of the JetStream API, past everything that Millpond does. Throws the server's description of a failure. */
export async function callApi<T = unknown>(
  client: Client,
  subject: string,
  body?: unknown,
): Promise<T> {
  const payload = body === undefined ? "" : JSON.stringify(body);
  const answer = await client.request(`$JS.API.${subject}`, payload, { timeout: TIMEOUT_MS });
  const parsed = answer.json<T & { error?: { description: string; err_code: number } }>();
  if (parsed.error !== undefined) {
    throw new Error(`${parsed.error.description} (${parsed.error.err_code})`);
  }
  return parsed;
}

/** The names of a bucket's consumers. */
export async function consumersOf(client: Client, bucket: string): Promise<string[]> {
  const answer = await callApi<{ consumers: string[] | null }>(
    client,
    `CONSUMER.NAMES.KV_${bucket}`,
  );
  return answer.consumers ?? [];
}

export function operatorOf(client: Client): BucketOperator {
  return {
    async deleteBucket(name) {
      await callApi(client, `STREAM.DELETE.KV_${name}`).catch((error: Error) => {
        if (!error.message.includes("10059")) throw error;
      });
    },
    async evictBefore(name, sequence) {
      await callApi(client, `STREAM.PURGE.KV_${name}`, { seq: Number(sequence) });
    },
    async deleteMessage(name, sequence) {
      // Not the message delete itself, which every KV client denies when it makes the stream, for good (10057). A purge of
      // the record's subject up to it removes the same from the interior, as silently.
      const { message } = await callApi<{ message: { subject: string } }>(
        client,
        `STREAM.MSG.GET.KV_${name}`,
        { seq: Number(sequence) },
      );
      const purge = { filter: message.subject, seq: Number(sequence) + 1 };
      await callApi(client, `STREAM.PURGE.KV_${name}`, purge);
    },
    async putRaw(name, key, value) {
      await client.request(`$KV.${name}.${key}`, value, { timeout: TIMEOUT_MS });
    },
  };
}

/** Runs a suite of buckets on a server; its operator goes past Millpond. */
export function natsHarness(server: () => NatsServer): BucketHarness {
  return {
    async open() {
      const { url } = server();
      const client = await connectClient({ servers: url.replace("nats://", "") });
      const opened: Connection[] = [];
      const open = async (): Promise<Connection> => {
        const connection = await connect({ servers: url });
        opened.push(connection);
        return connection;
      };
      return {
        connection: await open(),
        connect: open,
        operator: operatorOf(client),
        async [Symbol.asyncDispose]() {
          for (const each of opened) await each.close();
          await client.close();
        },
      };
    },
  };
}
