import { headers, type Msg, type NatsConnection as Client } from "@nats-io/nats-core";

type Callback = (error: Error | null, message: Msg) => void;

/** Just enough of the client's connection to play a server's part by hand. */
export class FakeClient {
  readonly info = { version: "2.15.1", max_payload: 1_048_576 };
  /** What a request is answered with, where it gives anything; else as a consumer is made. */
  answer: (subject: string, payload: string) => unknown = () => undefined;
  /** Subjects of requests, and of publishes with a reply subject. */
  readonly requested: string[] = [];
  readonly published: string[] = [];
  /** Of what was published. */
  readonly payloads: string[] = [];
  #callback: Callback | undefined;
  readonly #statuses: unknown[] = [];
  #wake: (() => void) | undefined;

  asClient(): Client {
    return this as unknown as Client;
  }

  async request(subject: string, payload = ""): Promise<{ json(): unknown }> {
    this.requested.push(subject);
    const answer = this.answer(subject, payload) ?? {
      name: subject.split(".").at(-1),
      num_pending: 5,
      delivered: { consumer_seq: 0, stream_seq: 0 },
    };
    return { json: () => answer };
  }

  publish(subject: string, payload = ""): void {
    this.published.push(subject);
    this.payloads.push(payload);
  }

  subscribe(_subject: string, { callback }: { callback: Callback }): { unsubscribe(): void } {
    this.#callback = callback;
    return { unsubscribe: () => {} };
  }

  async *status(): AsyncGenerator {
    for (;;) {
      while (this.#statuses.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      yield this.#statuses.shift();
    }
  }

  /** As the client tells of its connection: `disconnect`, `reconnect`. */
  becomes(type: string): void {
    this.#statuses.push({ type });
    this.#wake?.();
  }

  /** Delivers a record. */
  deliver(streamSequence: number, consumerSequence: number, pending = 1): void {
    const reply = `$JS.ACK.KV_b.c.1.${streamSequence}.${consumerSequence}.1795351190875081963.${pending}`;
    this.send({ subject: "$KV.b.k", reply, data: Uint8Array.of(1) });
  }

  /** Delivers a status message. */
  tell(code: number, description: string, fields: Record<string, string> = {}): void {
    const sent = headers(code, description);
    for (const [name, value] of Object.entries(fields)) sent.set(name, value);
    this.send({ subject: "_INBOX.x", reply: "", data: new Uint8Array(0), headers: sent });
  }

  /** Delivers any message. */
  send(message: Partial<Msg>): void {
    this.#callback?.(null, message as Msg);
  }
}
