import { headers, type NatsConnection as Client } from "@nats-io/nats-core";
import type { Random } from "../../src/platform/index.js";
import { integerBelow } from "../support/seed.js";
import { until } from "../support/until.js";

const LETTERS = ["a", "b", "c", "d"];
const GROUPS = 5;
const KEYS_A_GROUP = 100;
/** Every key of the bucket: 2,000 of them, such as `a.0.17`. */
export const KEYS: readonly string[] = LETTERS.flatMap((letter) =>
  Array.from({ length: GROUPS }, (_, group) => `${letter}.${group}`),
).flatMap((group) => Array.from({ length: KEYS_A_GROUP }, (_, index) => `${group}.${index}`));

/** Written by a pause, last of all and acknowledged. */
const LAST_KEY = "z.last";
/** So many of each group are written again and again; the others hold the stream's beginning down. */
const HOT_KEYS_A_GROUP = 70;
const SLICE_MS = 10;
const FLUSH_MS = 1_000;
/** A cluster may have to find a leader first. */
const SETTLE_MS = 20_000;

/** Writes to a bucket over a connection of its own: values, deletes, purges and what was removed again. */
export class Load {
  readonly #client: Client;
  readonly #bucket: string;
  readonly #random: Random;
  #running: Promise<void> | undefined;
  #stop = false;
  #sent = 0;
  #lastSentAt = 0;

  constructor(client: Client, bucket: string, random: Random) {
    this.#client = client;
    this.#bucket = bucket;
    this.#random = random;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Milliseconds since the Unix epoch. */
  get lastSentAt(): number {
    return this.#lastSentAt;
  }

  /** Gives every key a value, in their order and acknowledged; the same ones for the same `content`. */
  async seed(content: string): Promise<void> {
    for (let from = 0; from < KEYS.length; from += KEYS_A_GROUP) {
      const group = KEYS.slice(from, from + KEYS_A_GROUP);
      await Promise.all(group.map((key) => this.#acknowledged(key, `${content} of ${key}`)));
    }
    await this.settle();
  }

  put(key: string, value: string, ttl?: string): void {
    const sent = headers();
    if (ttl !== undefined) sent.set("Nats-TTL", ttl);
    this.#publish(key, value, ttl === undefined ? undefined : sent);
  }

  remove(key: string, how: "DEL" | "PURGE"): void {
    const sent = headers();
    sent.set("KV-Operation", how);
    if (how === "PURGE") sent.set("Nats-Rollup", "sub");
    this.#publish(key, "", sent);
  }

  /** So many writes of all kinds, to their end. */
  async burst(count: number): Promise<void> {
    for (let written = 0; written < count; written += 1) this.#writeAny();
    await this.settle();
  }

  /** Begins to write at this rate, as far as the server takes it. Nothing while the connection is down. */
  start(updatesPerSecond: number): void {
    this.#stop = false;
    this.#running ??= this.#run(updatesPerSecond);
  }

  /** Resolves once everything that was written is in the bucket. */
  async pause(): Promise<void> {
    await this.stop();
    await this.settle();
  }

  /** Writes no more, and does not ask what became of what was written. */
  async stop(): Promise<void> {
    this.#stop = true;
    await this.#running;
    this.#running = undefined;
  }

  async settle(): Promise<void> {
    await this.#acknowledged(LAST_KEY, String(this.#sent));
    this.#lastSentAt = Date.now();
  }

  async #acknowledged(key: string, value: string): Promise<void> {
    await until(
      `the write of ${key} is acknowledged`,
      async () => {
        const options = { timeout: FLUSH_MS };
        const asked = this.#client.request(`$KV.${this.#bucket}.${key}`, value, options);
        const answer = await asked.catch(() => undefined);
        return answer !== undefined && answer.json<{ error?: unknown }>().error === undefined;
      },
      SETTLE_MS,
    );
  }

  async #run(updatesPerSecond: number): Promise<void> {
    const slice = (updatesPerSecond * SLICE_MS) / 1000;
    let last = performance.now();
    while (!this.#stop) {
      await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
      const now = performance.now();
      // What could not be sent in time is not made up for: the rate is a ceiling.
      const due = Math.min(slice * 5, ((now - last) * updatesPerSecond) / 1000);
      last = now;
      for (let written = 0; written < due; written += 1) this.#writeAny();
      await this.#flushed();
    }
  }

  /** Or a while later, where the server is away. */
  async #flushed(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSH_MS)));
    await Promise.race([this.#client.flush().catch(() => {}), late]);
    clearTimeout(timer);
  }

  #writeAny(): void {
    const group = integerBelow(this.#random, LETTERS.length * GROUPS);
    const index = integerBelow(this.#random, HOT_KEYS_A_GROUP);
    const key = KEYS[group * KEYS_A_GROUP + index] ?? LAST_KEY;
    const dice = this.#random();
    if (dice < 0.1) this.remove(key, "DEL");
    else if (dice < 0.15) this.remove(key, "PURGE");
    else this.put(key, `${dice}`.padEnd(integerBelow(this.#random, 300), "."));
  }

  #publish(key: string, value: string, sent: ReturnType<typeof headers> | undefined): void {
    const options = sent === undefined ? {} : { headers: sent };
    this.#client.publish(`$KV.${this.#bucket}.${key}`, value, options);
    this.#sent += 1;
    this.#lastSentAt = Date.now();
  }
}
