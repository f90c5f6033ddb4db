import { headers, type Msg, type MsgHdrs } from "@nats-io/nats-core";
import { isMillpondError, MillpondError } from "../errors/index.js";
import type { KvWriter, PutOptions } from "../kv/index.js";
import { checkKey, VersionToken } from "../values/index.js";
import type { JetStreamApi } from "./api.js";
import { answerOf, isPublishAck } from "./api-answers.js";
import { isNoResponders } from "./errors.js";
import type { BucketReader } from "./reader.js";
import { requireServer, supportsTtl } from "./server-version.js";
import { streamOf, subjectPrefixOf } from "./subjects.js";

const NOTHING = new Uint8Array(0);
const TTL_UNIT_MS = 1000;
/** More than the headers of any write here take. */
const HEADER_ROOM_BYTES = 256;
/** Times that `create` looks again when others write and remove the same key under it. */
const CREATE_ATTEMPTS = 8;

/** What fits into a message besides the headers that a write may need. */
export function maxValueBytesOf(maxPayload: number): number {
  return Math.max(0, maxPayload - HEADER_ROOM_BYTES);
}

/**
 * Writes to one bucket. A write that fails with `timeout`, or with `not-connected` while it was under way, may or may not have
 * been done: read to find out. Nothing is retried here.
 */
export class BucketWriter implements KvWriter {
  readonly #bucket: string;
  readonly #api: JetStreamApi;
  readonly #reader: BucketReader;

  constructor(bucket: string, api: JetStreamApi, reader: BucketReader) {
    this.#bucket = bucket;
    this.#api = api;
    this.#reader = reader;
  }

  async put(key: string, value: Uint8Array, options: PutOptions = {}): Promise<VersionToken> {
    return await this.#write(key, value, { ttl: this.#ttlOf(options) });
  }

  async create(key: string, value: Uint8Array, options: PutOptions = {}): Promise<VersionToken> {
    const ttl = this.#ttlOf(options);
    let expected = 0n;
    for (let attempt = 0; attempt < CREATE_ATTEMPTS; attempt += 1) {
      try {
        return await this.#write(key, value, { ttl, expected });
      } catch (error) {
        if (!isMillpondError(error, "revision-mismatch")) throw error;
      }
      const last = await this.#reader.entry(key);
      if (last?.kind === "put") {
        throw new MillpondError("already-exists", `key ${key} has a value`, {
          hint: "Update it with the version that you read, or put it whatever is there.",
        });
      }
      expected = last?.version.toU64() ?? 0n;
    }
    throw new MillpondError("operation-failed", `key ${key} changes faster than it can be made`, {
      hint: "Others create and remove it at this moment: try again.",
    });
  }

  async update(key: string, value: Uint8Array, expected: VersionToken): Promise<VersionToken> {
    return await this.#write(key, value, { expected: sequenceOf(expected) });
  }

  async delete(key: string): Promise<VersionToken> {
    return await this.#write(key, NOTHING, { marker: "DEL" });
  }

  async deleteWithVersion(key: string, expected: VersionToken): Promise<VersionToken> {
    const sequence = sequenceOf(expected);
    if (sequence === 0n) {
      checkKey(key);
      throw new MillpondError("revision-mismatch", `no record of key ${key} has version 0`);
    }
    return await this.#write(key, NOTHING, { marker: "DEL", expected: sequence });
  }

  async purge(key: string): Promise<VersionToken> {
    return await this.#write(key, NOTHING, { marker: "PURGE" });
  }

  async #write(key: string, value: Uint8Array, how: Write): Promise<VersionToken> {
    checkKey(key);
    const sent = headersOf(how);
    // What the server takes is known only of one that has answered.
    this.#api.link.require();
    this.#checkSize(key, value);
    const subject = `${subjectPrefixOf(this.#bucket)}${key}`;
    const doing = `write key ${key} of bucket ${this.#bucket}`;
    const answer = await this.#publish(doing, subject, value, sent);
    return VersionToken.fromU64(answerOf(doing, answer, isPublishAck).seq);
  }

  async #publish(
    doing: string,
    subject: string,
    value: Uint8Array,
    sent: MsgHdrs | undefined,
  ): Promise<Msg> {
    try {
      return await this.#api.link.request(doing, subject, value, { headers: sent });
    } catch (error) {
      // Nobody takes the subject: because the bucket is not there, which this tells, or because JetStream is down.
      if (error instanceof Error && isNoResponders(error.cause)) {
        await this.#api.streamInfo(streamOf(this.#bucket));
      }
      throw error;
    }
  }

  /** The same for every kind of write, so that a value that was put can be updated. */
  #checkSize(key: string, value: Uint8Array): void {
    const room = maxValueBytesOf(this.#api.link.server.maxPayload);
    if (value.length <= room) return;
    throw new MillpondError(
      "invalid-argument",
      `the value of ${key} has ${value.length} bytes; the server takes ${room}`,
      { hint: "Raise the server's max_payload, or store the value elsewhere and its name here." },
    );
  }

  #ttlOf({ ttlMs }: PutOptions): string | undefined {
    if (ttlMs === undefined) return undefined;
    if (!Number.isSafeInteger(ttlMs / TTL_UNIT_MS) || ttlMs < TTL_UNIT_MS) {
      throw new MillpondError(
        "invalid-argument",
        `a time to live is whole seconds, at least one: not ${ttlMs} ms`,
      );
    }
    this.#api.link.require();
    const { version } = this.#api.link.server;
    // An older server would keep the value for ever and say nothing (2.10.27).
    if (!supportsTtl(requireServer(version))) {
      throw new MillpondError("operation-failed", `server ${version} has no time to live`, {
        hint: "It needs 2.11 or newer, and a bucket made with markerTtlMs.",
      });
    }
    return `${ttlMs / TTL_UNIT_MS}s`;
  }
}

interface Write {
  readonly expected?: bigint;
  readonly marker?: "DEL" | "PURGE";
  readonly ttl?: string | undefined;
}

/** Our own, because the client leaves out an expected sequence of 0. */
function headersOf({ expected, marker, ttl }: Write): MsgHdrs | undefined {
  if (expected === undefined && marker === undefined && ttl === undefined) return undefined;
  const sent = headers();
  if (expected !== undefined) sent.set("Nats-Expected-Last-Subject-Sequence", String(expected));
  if (marker !== undefined) sent.set("KV-Operation", marker);
  if (marker === "PURGE") sent.set("Nats-Rollup", "sub");
  if (ttl !== undefined) sent.set("Nats-TTL", ttl);
  return sent;
}

function sequenceOf(version: VersionToken): bigint {
  const sequence = version.toU64();
  if (sequence !== undefined) return sequence;
  throw new MillpondError(
    "invalid-argument",
    `not a version of this bucket: "${version.toHex()}"`,
    { hint: "Expect the version that get, entry or an earlier write gave." },
  );
}
