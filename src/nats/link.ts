import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection as Client,
  type Subscription,
} from "@nats-io/nats-core";
import type { MillpondError } from "../errors/index.js";
import { sleep, type Clock, type Random } from "../platform/index.js";
import { fromClientError, isRefusal, notConnected } from "./errors.js";
import { LineCheck } from "./line-check.js";
import { requireServer } from "./server-version.js";

/** Longest time that the end of a connection takes to send what is still to be said. */
const FAREWELL_MS = 1_000;

export type LinkState = "up" | "down" | "closed";

export interface LinkOptions {
  /** Longest wait for an answer, in milliseconds. */
  readonly requestTimeoutMs: number;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RequestSettings {
  readonly headers?: MsgHdrs | undefined;
  /** Default, and at most: {@link LinkOptions.requestTimeoutMs}. */
  readonly timeoutMs?: number | undefined;
}

/** What the server last said of itself. */
export interface ServerFacts {
  /** Empty before the first contact; the numbers are 0 then. */
  readonly version: string;
  /** Headers included. */
  readonly maxPayload: number;
}

/**
 * The client's connection, with two things added: its state is known at every moment, and a request fails as soon as the
 * connection is down. The client by itself drops what is requested while it is down, and says so only at the time-out.
 *
 * Everything that could show a secret is private to this object: the client's own connection prints its options.
 */
export class Link {
  readonly clock: Clock;
  readonly random: Random;
  readonly #options: LinkOptions;
  #client: Client | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #denialListeners = new Set<(error: Error) => void>();
  readonly #inFlight = new Set<(reason: Error) => void>();
  #state: LinkState = "down";
  #facts: ServerFacts = { version: "", maxPayload: 0 };
  #refusal: MillpondError | undefined;
  #check: LineCheck | undefined;

  /** Down until it is given a client. */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.random = options.random;
  }

  /**
   * Goes by `client` from now on, once; it must be connected at this moment. `giveUpLine` has it dial another line; left out, that is
   * the business of whose client it is.
   */
  attach(client: Client, giveUpLine?: () => void): void {
    this.#client = client;
    this.#refusal = undefined;
    if (giveUpLine !== undefined) this.#check = this.#checkOf(client, giveUpLine);
    void this.#follow(client);
    this.#learn(client);
    this.#become("up");
  }

  /** Something that was due has not come. Where nothing else comes either, the line is given up within a second or so. */
  suspect(): void {
    if (this.#state === "up") this.#check?.begin();
  }

  /** Until there is a client, or it is connected again, requests throw this. */
  refuseWith(reason: MillpondError): void {
    this.#refusal = reason;
  }

  /** Longest wait for an answer, in milliseconds. */
  get requestTimeoutMs(): number {
    return this.#options.requestTimeoutMs;
  }

  get state(): LinkState {
    return this.#state;
  }

  get server(): ServerFacts {
    return this.#facts;
  }

  /** Calls `listener` after each change of state; the function returned ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` with each refusal for want of permission that belongs to no request. */
  onDenied(listener: (error: Error) => void): () => void {
    this.#denialListeners.add(listener);
    return () => this.#denialListeners.delete(listener);
  }

  /** What is thrown while the connection is down. */
  get whyDown(): MillpondError {
    return this.#refusal ?? notConnected("down");
  }

  /** Throws unless the connection is up: `not-connected`, or why there is none. */
  require(): void {
    this.#connected();
  }

  /** Throws what {@link fromClientError} makes of the failure to do what `doing` says. */
  async request(
    doing: string,
    subject: string,
    payload: Uint8Array | string,
    options: RequestSettings = {},
  ): Promise<Msg> {
    const client = this.#connected();
    let leave: ((reason: Error) => void) | undefined;
    try {
      return await new Promise<Msg>((resolve, reject) => {
        leave = reject;
        this.#inFlight.add(reject);
        const most = this.#options.requestTimeoutMs;
        const timeout = Math.min(options.timeoutMs ?? most, most);
        const { headers } = options;
        const sent = headers === undefined ? { timeout } : { timeout, headers };
        client.request(subject, payload, sent).then(resolve, reject);
      });
    } catch (error) {
      throw fromClientError(error, doing);
    } finally {
      if (leave !== undefined) this.#inFlight.delete(leave);
    }
  }

  publish(subject: string, payload: string, reply: string): void {
    this.#connected().publish(subject, payload, { reply });
  }

  subscribe(subject: string, callback: (error: Error | null, message: Msg) => void): Subscription {
    return this.#connected().subscribe(subject, { callback });
  }

  /** A subject of our own, for answers. */
  inbox(): string {
    return createInbox(this.#options.inboxPrefix);
  }

  /** Ends the use of the client, which stays open. Idempotent. */
  end(): void {
    this.#become("closed");
  }

  /** Sends requests after the end, whose answers nobody waits for; resolves when they are out, or cannot be. Never throws. */
  async farewell(subjects: readonly string[]): Promise<void> {
    const client = this.#client;
    if (client === undefined || client.isClosed() || subjects.length === 0) return;
    try {
      for (const subject of subjects) client.publish(subject, "", { reply: this.inbox() });
      await Promise.race([client.flush(), sleep(this.clock, FAREWELL_MS)]);
    } catch {
      // Who cannot be told finds out.
    }
  }

  #connected(): Client {
    if (this.#state === "closed") throw notConnected("closed");
    if (this.#state === "up" && this.#client !== undefined) return this.#client;
    throw this.whyDown;
  }

  async #follow(client: Client): Promise<void> {
    for await (const status of client.status()) {
      if (["disconnect", "staleConnection", "forceReconnect"].includes(status.type)) {
        this.#become("down");
      } else if (status.type === "reconnect") {
        this.#learn(client);
        // Another server of the cluster, or the same one after a downgrade, may not do although the first did.
        this.#refusal = tooOld(this.#facts.version);
        if (this.#refusal === undefined) this.#become("up");
      } else if (status.type === "error" && isRefusal(status.error)) {
        // The client dials on, and the server may go on refusing it: until then this is why.
        this.#refusal = fromClientError(status.error, "connect again");
      } else if (status.type === "error" && status.error.name === "PermissionViolationError") {
        for (const listener of this.#denialListeners) listener(status.error);
      }
    }
    this.#become("closed");
  }

  #checkOf(client: Client, giveUpLine: () => void): LineCheck {
    const giveUp = (): void => {
      if (this.#state !== "up") return;
      giveUpLine();
      this.#become("down");
    };
    const { clock, random } = this;
    const ping = async (): Promise<void> => await client.flush();
    return new LineCheck({ clock, random, ping, received: () => client.stats().inBytes, giveUp });
  }

  #learn({ info }: Client): void {
    if (info !== undefined) {
      this.#facts = { version: info.version, maxPayload: info.max_payload };
    }
  }

  #become(state: LinkState): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    if (state !== "up") {
      const inFlight = [...this.#inFlight];
      this.#inFlight.clear();
      for (const fail of inFlight) fail(notConnected(state));
    }
    for (const listener of this.#listeners) listener();
  }
}

function tooOld(version: string): MillpondError | undefined {
  try {
    requireServer(version);
    return undefined;
  } catch (error) {
    return fromClientError(error, "use this server");
  }
}
