import type { Msg, Subscription } from "@nats-io/nats-core";
import { MillpondError } from "../errors/index.js";
import type { JetStreamApi } from "./api.js";
import type { ConsumerConfig, ConsumerInfo } from "./api-types.js";
import { nanosOf } from "./bucket-config.js";
import { ApiError, fromClientError, notConnected } from "./errors.js";
import { deliveryOf, type Delivery } from "./message.js";

/**
 * Messages that one pull may bring. While the server has more, the next pull goes out when no more than half of this is still to come: a
 * round trip is waited for once, and not for each pull. Servers serve the pulls that are out in turns (2.10, 2.15), so that two are out
 * at the most, with one and a half times as many messages: the bound of what waits to be read.
 */
const PULL_MESSAGES = 1300;
const PULL_AHEAD_MESSAGES = PULL_MESSAGES / 2;
/** Bytes that one pull may bring, unless a single message is larger. */
const PULL_BYTES = 8 * 1024 * 1024;
const PULL_EXPIRES_MS = 5_000;
const HEARTBEAT_MS = 1_000;
/** Heard nothing for this long while a pull is out, two heartbeats and a half: the consumer is given up. */
const SILENCE_MS = 2_500;
/** Heard nothing for this long: it may be the line, which can be found out meanwhile. */
const SUSPECT_MS = 1_500;
const SILENCE_CHECK_MS = 250;
/** A check that is so much too late was held up together with all else in this process. */
const HELD_UP_MS = 500;
/** Between two pulls no more than this may pass, round trip included, for the time to count as waited through. */
const PULL_GRACE_MS = 500;
/** The server removes a consumer that nobody pulled from for this long: what we could not delete, after a crash of ours. */
const INACTIVE_MS = 45_000;

/** What the consumer is to deliver. */
export interface ConsumerSpec {
  readonly stream: string;
  readonly filters: readonly string[];
  /** The last record of each key and then what comes, or everything from a sequence on. */
  readonly start: "last-per-key" | { readonly sequence: number };
  readonly headersOnly?: boolean;
}

export interface ConsumerHandler {
  message(message: Msg, delivery: Delivery, heardAtMs: number): void;
  /**
   * The server has scanned up to `streamSequence` and delivered all that matched. `waiting`: a pull has been out ever since it
   * last said something, so that what matched was delivered when it was stored, and not only what of it was left.
   */
  bookmark(streamSequence: number, waiting: boolean, heardAtMs: number): void;
  /** A pull ended with nothing more to bring; the next may go out. */
  pullEnded(): void;
  /** Nothing more will come of this consumer. Called once. */
  lost(reason: MillpondError): void;
}

/**
 * One consumer at the server, made for one reader and pulled from by hand. Ack none, and in memory: it costs the server
 * little and keeps nothing that matters. The client's own ordered consumers stall for tens of seconds after each reset
 * (3.4.0); this one finds out by itself that it is lost, and says so after 2.5 s.
 */
export class PullConsumer {
  /** As the server made it; nothing is delivered before the first pull, so where it starts is known without a race. */
  readonly info: ConsumerInfo;
  readonly #api: JetStreamApi;
  readonly #stream: string;
  readonly #handler: ConsumerHandler;
  readonly #subscription: Subscription;
  readonly #inbox: string;
  readonly #nextSubject: string;
  readonly #release: (() => void)[] = [];
  #consumerSequence = 0;
  /** Messages that the pulls that are out may still bring; 0 where none is out. */
  #wanted = 0;
  /** What the server had for us when it last delivered something, or answered. */
  #pending: number;
  readonly #maxBytes: number;
  /** The next message is larger than a whole pull. */
  #oversize = false;
  #lastHeard = 0;
  /** Until when a pull was out, or is if nothing ends it. */
  #pulledUntil: number;
  /** Whether a pull was out since the server last said something. */
  #waiting = true;
  #cancelSilenceCheck: (() => void) | undefined;
  #ended = false;

  private constructor(
    api: JetStreamApi,
    stream: string,
    info: ConsumerInfo,
    handler: ConsumerHandler,
  ) {
    const { link } = api;
    this.info = info;
    this.#pending = info.num_pending;
    // Nothing was missed when the consumer was made: where it starts is checked by its owner.
    this.#pulledUntil = link.clock.now();
    this.#api = api;
    this.#stream = stream;
    this.#handler = handler;
    this.#inbox = link.inbox();
    this.#nextSubject = api.nextSubject(stream, info.name);
    // Below a message's largest size the server would never deliver that message.
    this.#maxBytes = Math.max(PULL_BYTES, 2 * link.server.maxPayload);
    this.#subscription = link.subscribe(this.#inbox, (error, message) =>
      this.#onMessage(error, message),
    );
    this.#release.push(
      link.onChange(() => {
        if (link.state !== "up") this.#lose(notConnected(link.state));
      }),
      link.onDenied((error) => {
        if (error.message.includes(this.#nextSubject)) {
          this.#lose(fromClientError(error, `pull from stream ${stream}`));
        }
      }),
    );
  }

  static async create(
    api: JetStreamApi,
    spec: ConsumerSpec,
    handler: ConsumerHandler,
  ): Promise<PullConsumer> {
    const config = configOf(spec, nameOf(api));
    try {
      const info = await api.createConsumer(spec.stream, config);
      api.link.require();
      return new PullConsumer(api, spec.stream, info, handler);
    } catch (error) {
      // Unless the server refused it, the answer may be all that was lost. Not waited for: the server may be gone as well.
      const isRefused = error instanceof ApiError && error.status < 500;
      if (isRefused) api.forgetConsumer(config.name);
      else void api.discardConsumer(spec.stream, config.name);
      throw error;
    }
  }

  /** Asks for the next messages; nothing happens while as many are under way as there should be. */
  pull(): void {
    if (this.#ended || !this.#mayPull) return;
    const batch = this.#oversize ? 1 : PULL_MESSAGES;
    this.#wanted += batch;
    const { link } = this.#api;
    const request = {
      batch,
      expires: nanosOf(PULL_EXPIRES_MS),
      idle_heartbeat: nanosOf(HEARTBEAT_MS),
      ...(this.#oversize ? {} : { max_bytes: this.#maxBytes }),
    };
    this.#oversize = false;
    this.#lastHeard = link.clock.now();
    // By the clock, not by the server's word that a pull has ended: that may have waited long to be read.
    if (this.#lastHeard > this.#pulledUntil + PULL_GRACE_MS) this.#waiting = false;
    this.#pulledUntil = this.#lastHeard + PULL_EXPIRES_MS;
    try {
      link.publish(this.#nextSubject, JSON.stringify(request), this.#inbox);
    } catch (error) {
      this.#lose(fromClientError(error, `pull from stream ${this.#stream}`));
      return;
    }
    this.#cancelSilenceCheck ??= this.#checkSilence();
  }

  /** Ahead only of messages that are known to be there: else each pull would end on its own at a quiet stream. */
  get #mayPull(): boolean {
    if (this.#wanted === 0) return true;
    return this.#wanted <= PULL_AHEAD_MESSAGES && this.#pending > this.#wanted && !this.#oversize;
  }

  /** Ends it here and at the server, there once that can be reached. Never throws. */
  async close(): Promise<void> {
    this.#end();
    await this.#api.discardConsumer(this.#stream, this.info.name);
  }

  #onMessage(error: Error | null, message: Msg): void {
    if (this.#ended) return;
    if (error !== null) {
      this.#lose(fromClientError(error, "receive what was pulled"));
      return;
    }
    this.#lastHeard = this.#api.link.clock.now();
    try {
      this.#take(message);
    } catch (cause) {
      // Thrown on, it would break the client's connection, and with it everything that shares that.
      this.#lose(fromClientError(cause, "read what was pulled"));
    }
  }

  #take(message: Msg): void {
    const delivery = deliveryOf(message.reply ?? "");
    if (delivery === undefined) {
      this.#onStatus(message);
      return;
    }
    if (delivery.consumerSequence !== this.#consumerSequence + 1) {
      this.#lose(new MillpondError("watch-error", "a delivered message did not arrive"));
      return;
    }
    this.#consumerSequence = delivery.consumerSequence;
    this.#pending = delivery.pending;
    this.#wanted = Math.max(0, this.#wanted - 1);
    if (this.#wanted === 0) this.#pulledUntil = this.#lastHeard;
    this.#waiting = true;
    this.#handler.message(message, delivery, this.#lastHeard);
  }

  #onStatus(message: Msg): void {
    const { headers } = message;
    const code = headers?.code ?? 0;
    const description = headers?.description ?? "";
    if (code === 100) {
      this.#onHeartbeat((name) => headers?.get(name) ?? "");
    } else if (code === 408 || code === 404) {
      this.#endPull(this.#unservedOf(message));
    } else if (code === 409 && /exceeds maxbytes|batch completed/i.test(description)) {
      const unserved = this.#unservedOf(message);
      // It brought nothing: the next message is larger than a whole pull, and comes alone, by a pull without a limit.
      if (unserved >= PULL_MESSAGES) this.#oversize = true;
      this.#endPull(unserved);
    } else {
      const why = code === 503 ? "it is gone" : `${code} ${description}`;
      this.#lose(new MillpondError("watch-error", `the server ended a consumer: ${why}`));
    }
  }

  /** A bookmark only if all that was sent has arrived, and nothing is held back for us. */
  #onHeartbeat(header: (name: string) => string): void {
    if (header("Nats-Consumer-Stalled") !== "") return;
    if (Number(header("Nats-Last-Consumer")) !== this.#consumerSequence) return;
    const streamSequence = Number(header("Nats-Last-Stream"));
    if (!Number.isSafeInteger(streamSequence)) return;
    const waiting = this.#waiting;
    this.#waiting = true;
    this.#handler.bookmark(streamSequence, waiting, this.#lastHeard);
  }

  /** What a pull that has ended might still have brought; where that is not said, all that is asked for. */
  #unservedOf({ headers }: Msg): number {
    const unserved = headers?.get("Nats-Pending-Messages") ?? "";
    return /^\d+$/.test(unserved) ? Number(unserved) : this.#wanted;
  }

  /** Of the pulls that are out one has ended, with so many messages of its own still to come. */
  #endPull(unserved: number): void {
    this.#wanted = Math.max(0, this.#wanted - unserved);
    if (this.#wanted === 0) this.#pulledUntil = Math.min(this.#pulledUntil, this.#lastHeard);
    this.#handler.pullEnded();
  }

  #checkSilence(): () => void {
    const { clock } = this.#api.link;
    const due = clock.now() + SILENCE_CHECK_MS;
    return clock.schedule(SILENCE_CHECK_MS, () => {
      this.#cancelSilenceCheck = undefined;
      const now = clock.now();
      // This process was held up: what the server said meanwhile is still to be read.
      if (now - due > HELD_UP_MS) this.#lastHeard = now;
      if (this.#wanted > 0 && now - this.#lastHeard > SUSPECT_MS) this.#api.link.suspect();
      if (this.#wanted > 0 && now - this.#lastHeard > SILENCE_MS) {
        this.#lose(new MillpondError("watch-error", `silence for ${SILENCE_MS} ms`));
      } else if (this.#wanted > 0) {
        this.#cancelSilenceCheck = this.#checkSilence();
      }
    });
  }

  #lose(reason: MillpondError): void {
    if (this.#ended) return;
    this.#end();
    this.#handler.lost(reason);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#wanted = 0;
    this.#cancelSilenceCheck?.();
    for (const release of this.#release) release();
    if (this.#api.link.state !== "closed") this.#subscription.unsubscribe();
  }
}

function configOf(spec: ConsumerSpec, name: string): ConsumerConfig {
  return {
    name,
    ...(spec.start === "last-per-key"
      ? { deliver_policy: "last_per_subject" }
      : { deliver_policy: "by_start_sequence", opt_start_seq: spec.start.sequence }),
    filter_subjects: spec.filters,
    ...(spec.headersOnly === true ? { headers_only: true } : {}),
    ack_policy: "none",
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanosOf(INACTIVE_MS),
  };
}

/** Told apart from those of other tools, for the operator who lists them. */
function nameOf(api: JetStreamApi): string {
  const digits = (): string => Math.floor(api.link.random() * 36 ** 8).toString(36);
  return `millpond-${digits().padStart(8, "0")}${digits().padStart(8, "0")}`;
}
