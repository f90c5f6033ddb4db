import { Kvm } from "@nats-io/kv";
import { createInbox, type NatsConnection as Client } from "@nats-io/nats-core";
import { callApi } from "../support/nats-harness.js";

/** What a hand-written copy keeps, as it would on disk: values and the last revision seen. */
export interface NaiveState {
  readonly values: Map<string, string>;
  revision: number;
}

export function emptyState(): NaiveState {
  return { values: new Map(), revision: 0 };
}

/**
 * A copy of a bucket as services write it by hand: `kv.watch()` into a `Map`, and after a restart or a reconnect on from the
 * last revision. It is wrong on purpose, and kept to show what is wrong with it: with each of the facts that the tests beside it
 * name, it ends up different from the bucket, without an error. Should a test say that it does not any more, then the servers or the
 * client have changed, and what Millpond does about that fact may no longer be needed.
 */
export class NaiveWatch implements AsyncDisposable {
  readonly #state: NaiveState;
  readonly #client: Client;
  #stop: () => void = () => {};
  #done: Promise<void> = Promise.resolve();

  constructor(client: Client, state: NaiveState) {
    this.#client = client;
    this.#state = state;
  }

  /** From the beginning, or after the last revision. */
  async start(bucket: string): Promise<this> {
    const state = this.#state;
    const kv = await new Kvm(this.#client).open(bucket);
    const watch = await kv.watch(
      state.revision === 0 ? {} : { resumeFromRevision: state.revision + 1 },
    );
    this.#stop = () => watch.stop();
    this.#done = (async () => {
      for await (const { key, operation, value, revision } of watch) {
        if (operation === "PUT") state.values.set(key, Buffer.from(value).toString());
        else state.values.delete(key);
        state.revision = revision;
      }
    })();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#done;
  }
}

/**
 * The other way to write it: pull a message, apply it, pull the next. Nothing is queued, so a slow `apply` slows the pulling
 * down, and what the bucket drops meanwhile never comes.
 */
export class NaivePull implements AsyncDisposable {
  readonly #state: NaiveState;
  readonly #client: Client;
  readonly #apply: (key: string) => Promise<void>;
  readonly #stop = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(client: Client, state: NaiveState, apply: (key: string) => Promise<void>) {
    this.#client = client;
    this.#state = state;
    this.#apply = apply;
  }

  async start(bucket: string): Promise<this> {
    const stream = `KV_${bucket}`;
    const config = { deliver_policy: "last_per_subject", ack_policy: "none", mem_storage: true };
    const filtered = { ...config, filter_subject: `$KV.${bucket}.>`, inactive_threshold: 60e9 };
    const created = await callApi<{ name: string }>(this.#client, `CONSUMER.CREATE.${stream}`, {
      stream_name: stream,
      config: filtered,
    });
    const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${created.name}`;
    this.#done = this.#pull(next, `$KV.${bucket}.`.length);
    return this;
  }

  async #pull(next: string, prefixLength: number): Promise<void> {
    const { values } = this.#state;
    const inbox = createInbox();
    const messages = this.#client.subscribe(inbox);
    const ask = (): void => this.#client.publish(next, '{"batch":1}', { reply: inbox });
    this.#stop.signal.addEventListener("abort", () => messages.unsubscribe());
    ask();
    for await (const message of messages) {
      const key = message.subject.slice(prefixLength);
      await this.#apply(key);
      if (message.headers?.has("KV-Operation") === true) values.delete(key);
      else values.set(key, message.string());
      ask();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}
