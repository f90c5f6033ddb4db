import { crc32 } from "node:zlib";
import { createInbox, type Msg, type NatsConnection as Client } from "@nats-io/nats-core";
import { askApi } from "./api.js";
import type { CopiedEntry } from "./replica-process.js";

/** The live keys of a bucket. */
export type Truth = ReadonlyMap<string, { readonly revision: number; readonly crc: number }>;

export interface Reading {
  readonly truth: Truth;
  /** The highest sequence of any record, of removals too; 0 where there is none. */
  readonly last: number;
}

/** How a copy differs from its bucket. */
export interface Difference {
  readonly missing: readonly string[];
  /** Removed in the bucket, or there with an older revision. */
  readonly stale: readonly string[];
  /** A revision that the bucket never gave, or the right one with another value. */
  readonly wrong: readonly string[];
}

const READ_MS = 5_000;

/** What makes a bucket another one than it was: while this stands still, so does the bucket. */
export async function fingerprintOf(client: Client, bucket: string): Promise<string> {
  const { created, state } = await askApi<StreamInfo>(client, `STREAM.INFO.KV_${bucket}`);
  const { first_seq: first, last_seq: last, messages, num_deleted: deleted = 0, last_ts } = state;
  return [created, first, last, messages, deleted, last_ts].join(" ");
}

export async function headOf(client: Client, bucket: string): Promise<number> {
  return (await askApi<StreamInfo>(client, `STREAM.INFO.KV_${bucket}`)).state.last_seq;
}

interface StreamInfo {
  readonly created: string;
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly last_ts: string;
    readonly messages: number;
    readonly num_deleted?: number;
  };
}

/**
 * Reads the bucket past everything that Millpond does: a push consumer of the last record of each key, its headers read here.
 * For a bucket that nobody writes to meanwhile.
 */
export async function readTruth(
  client: Client,
  bucket: string,
  prefixes: readonly string[] = [""],
): Promise<Reading> {
  const truth = new Map<string, { revision: number; crc: number }>();
  let last = 0;
  const inbox = createInbox();
  const subscription = client.subscribe(inbox);
  const name = `judge-${inbox.split(".").at(-1)}`;
  const timer = setTimeout(() => subscription.unsubscribe(), READ_MS);
  try {
    const { num_pending: expected } = await askApi<{ num_pending: number }>(
      client,
      `CONSUMER.CREATE.KV_${bucket}.${name}`,
      {
        stream_name: `KV_${bucket}`,
        action: "create",
        config: {
          name,
          deliver_subject: inbox,
          deliver_policy: "last_per_subject",
          filter_subject: `$KV.${bucket}.>`,
          ack_policy: "none",
          mem_storage: true,
        },
      },
    );
    let complete = expected === 0;
    if (!complete) {
      for await (const message of subscription) {
        const [sequence, pending] = positionOf(message);
        last = Math.max(last, sequence);
        const key = message.subject.slice(`$KV.${bucket}.`.length);
        const isWanted = prefixes.some((prefix) => key.startsWith(prefix));
        if (isWanted && !isRemoval(message)) {
          truth.set(key, { revision: sequence, crc: crc32(message.data) });
        }
        if ((complete = pending === 0)) break;
      }
    }
    if (!complete) throw new Error(`the listing of ${bucket} did not come to its end`);
    return { truth, last };
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
    await askApi(client, `CONSUMER.DELETE.KV_${bucket}.${name}`).catch(() => {});
  }
}

export function differenceOf(truth: Truth, copy: readonly CopiedEntry[]): Difference {
  const [missing, stale, wrong]: [Set<string>, string[], string[]] = [
    new Set(truth.keys()),
    [],
    [],
  ];
  for (const [key, revision, crc] of copy) {
    const expected = truth.get(key);
    missing.delete(key);
    if (expected === undefined || revision < expected.revision) stale.push(key);
    else if (revision > expected.revision || crc !== expected.crc) wrong.push(key);
  }
  return { missing: [...missing], stale, wrong };
}

export function isNone({ missing, stale, wrong }: Difference): boolean {
  return missing.length + stale.length + wrong.length === 0;
}

function isRemoval({ headers }: Msg): boolean {
  const operation = headers?.get("KV-Operation") ?? "";
  return (
    operation === "DEL" || operation === "PURGE" || headers?.has("Nats-Marker-Reason") === true
  );
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>`, or with domain and account in front. */
function positionOf({ reply = "" }: Msg): [sequence: number, pending: number] {
  const tokens = reply.split(".");
  const offset = tokens.length > 9 ? 2 : 0;
  return [Number(tokens[5 + offset]), Number(tokens[8 + offset])];
}
