import {
  answerOf,
  isAnything,
  isConsumerInfo,
  isMessage,
  isStreamInfo,
  type AnswerCheck,
} from "./api-answers.js";
import type {
  ConsumerConfig,
  ConsumerInfo,
  StoredMessage,
  StreamConfig,
  StreamInfo,
} from "./api-types.js";
import { askAgain } from "./ask-again.js";
import { ApiError } from "./errors.js";
import { Leftovers, type Leftover } from "./leftovers.js";
import type { Link } from "./link.js";

const PREFIX = "$JS.API";
const NO_MESSAGE_FOUND = 10037;
const NAME_TAKEN = 10058;
/** A stream that does not tell of itself in this time is as good as away: a watch must not wait longer to say so. */
const LOOK_MS = 5_000;
/** Also what is not said to have an end of its own is given up at some time: the longest that a request may take. */
const ASK_MS = 30_000;
/** A consumer that cannot be deleted in this time is left to the server, which removes it when it is idle. */
const CLEAN_UP_MS = 2_000;

/**
 * The few calls of the JetStream API that buckets and watches are made of. Plain requests, rather than the client's manager:
 * one place then bounds, maps and fails them.
 */
export class JetStreamApi {
  readonly link: Link;
  readonly #leftovers: Leftovers;
  /** Consumers that were asked for and not discarded, by name. */
  readonly #consumers = new Map<string, Leftover>();

  constructor(link: Link) {
    this.link = link;
    this.#leftovers = new Leftovers(link, (stream, consumer) =>
      this.#deleteConsumer(stream, consumer),
    );
  }

  async streamInfo(stream: string): Promise<StreamInfo> {
    const subject = `STREAM.INFO.${stream}`;
    return await this.#ask(`look at stream ${stream}`, subject, isStreamInfo, undefined, LOOK_MS);
  }

  /** `undefined` where a stream of the name is there with another configuration. */
  async createStream(config: StreamConfig): Promise<StreamInfo | undefined> {
    const { name } = config;
    try {
      return await this.#call(
        `create stream ${name}`,
        `STREAM.CREATE.${name}`,
        isStreamInfo,
        config,
      );
    } catch (error) {
      if (error instanceof ApiError && error.apiCode === NAME_TAKEN) return undefined;
      throw error;
    }
  }

  /** The newest record of a subject, from the stream's leader: what this connection wrote is seen. */
  async lastMessage(stream: string, subject: string): Promise<StoredMessage | undefined> {
    return await this.#message(stream, { last_by_subj: subject });
  }

  /** The record of this sequence, from the stream's leader. */
  async messageAt(stream: string, sequence: number): Promise<StoredMessage | undefined> {
    return await this.#message(stream, { seq: sequence });
  }

  async #message(stream: string, which: object): Promise<StoredMessage | undefined> {
    try {
      const answer = await this.#ask(
        `read from stream ${stream}`,
        `STREAM.MSG.GET.${stream}`,
        isMessage,
        which,
      );
      return answer.message;
    } catch (error) {
      if (error instanceof ApiError && error.apiCode === NO_MESSAGE_FOUND) return undefined;
      throw error;
    }
  }

  async createConsumer(stream: string, config: ConsumerConfig): Promise<ConsumerInfo> {
    const { name } = config;
    // Before it is there: whoever ends this while the answer is under way leaves it behind else.
    this.#consumers.set(name, { stream, consumer: name });
    return await this.#ask(
      `create a consumer of stream ${stream}`,
      `CONSUMER.CREATE.${stream}.${name}`,
      isConsumerInfo,
      { stream_name: stream, config, action: "create" },
    );
  }

  /** There is no such consumer: it was refused. */
  forgetConsumer(consumer: string): void {
    this.#consumers.delete(consumer);
  }

  /**
   * Deletes the consumer, or if the server cannot be reached remembers to do it when it can. Resolves after the first attempt.
   * Never throws.
   */
  async discardConsumer(stream: string, consumer: string): Promise<void> {
    this.#consumers.delete(consumer);
    await this.#leftovers.remove(stream, consumer);
  }

  /** Ends the use of the link, and leaves no consumer behind if the server can still be told. Never throws. */
  async end(): Promise<void> {
    const left = [...this.#consumers.values(), ...this.#leftovers.left];
    const wasUp = this.link.state === "up";
    this.link.end();
    if (!wasUp) return;
    await this.link.farewell(
      left.map(({ stream, consumer }) => `${PREFIX}.CONSUMER.DELETE.${stream}.${consumer}`),
    );
  }

  async #deleteConsumer(stream: string, consumer: string): Promise<void> {
    const subject = `CONSUMER.DELETE.${stream}.${consumer}`;
    const doing = `delete a consumer of stream ${stream}`;
    await this.#ask(doing, subject, isAnything, undefined, CLEAN_UP_MS);
  }

  nextSubject(stream: string, consumer: string): string {
    return `${PREFIX}.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
  }

  /** For what does the same when it is asked twice. */
  async #ask<T>(
    doing: string,
    subject: string,
    isOne: AnswerCheck<T>,
    body?: unknown,
    limitMs = ASK_MS,
  ): Promise<T> {
    const { link } = this;
    const ask = async (leftMs: number, asked: number): Promise<T> => {
      // What goes unanswered may be the line's doing.
      if (asked > 0) link.suspect();
      return await this.#call(doing, subject, isOne, body, leftMs);
    };
    const limit = Math.min(limitMs, link.requestTimeoutMs);
    return await askAgain(link.clock, link.random, limit, ask);
  }

  async #call<T>(
    doing: string,
    subject: string,
    isOne: AnswerCheck<T>,
    body?: unknown,
    timeoutMs?: number,
  ): Promise<T> {
    const payload = body === undefined ? "" : JSON.stringify(body);
    const message = await this.link.request(doing, `${PREFIX}.${subject}`, payload, {
      timeoutMs,
    });
    return answerOf(doing, message, isOne);
  }
}
