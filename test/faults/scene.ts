import { connect as connectClient, type NatsConnection as Client } from "@nats-io/transport-node";
import type { NatsServer } from "../support/nats-server.js";
import { randomFrom } from "../support/seed.js";
import { until } from "../support/until.js";
import { askApi } from "./api.js";
import { Load } from "./load.js";
import { ReplicaProcess } from "./replica-process.js";
import { OPERATOR, Releases, REPLICA_LOGIN, type Site } from "./site.js";
import type { TcpProxy } from "./tcp-proxy.js";

export const BUCKET = "b";
export const STREAM = `KV_${BUCKET}`;

/** Instead of the minute that it is: a cell takes seconds. */
const COUNT_INTERVAL_MS = 2_000;

/** An answer that would have come is not waited for longer, so that its asker soon asks again. */
const SOON_MS = 100;
const CREATED_MS = 2_000;
/** A cluster may have to find its leaders first. */
const PLACED_MS = 30_000;

/** What a replica may be asked to follow. */
export const scopes = {
  all: undefined,
  prefix: ["a."],
  prefixes: ["a.0.", "b.", "c.1."],
} as const satisfies Record<string, readonly string[] | undefined>;
export type ScopeName = keyof typeof scopes;

/** Settings of a stream, as the JetStream API has them. */
export type StreamSettings = Readonly<Record<string, unknown>>;

export interface SceneOptions {
  readonly scope: ScopeName;
  readonly seed: number;
  /** Over the usual ones of a bucket. */
  readonly stream?: StreamSettings | undefined;
}

/** A bucket that is written to past the faults, and a replica of it behind them. */
export class Scene implements AsyncDisposable {
  readonly site: Site;
  /** Of the operator: does not go through the lines. */
  readonly client: Client;
  readonly load: Load;
  readonly prefixes: readonly string[] | undefined;
  readonly #release: Releases;
  readonly #stream: StreamSettings;
  #replica: ReplicaProcess | undefined;
  #changedAt = 0;
  #isConnected = true;

  /** Takes the site over, and gives it up even when it fails. */
  static async at(site: Site, options: SceneOptions): Promise<Scene> {
    const release = new Releases();
    release.add(site);
    try {
      const client = await connectOperator(site);
      release.add({ [Symbol.asyncDispose]: () => client.close() });
      return new Scene(site, client, release, options);
    } catch (error) {
      await release[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(site: Site, client: Client, release: Releases, options: SceneOptions) {
    this.site = site;
    this.client = client;
    this.load = new Load(client, BUCKET, randomFrom(options.seed));
    this.prefixes = scopes[options.scope];
    this.#stream = options.stream ?? {};
    this.#release = release;
    release.add({ [Symbol.asyncDispose]: () => this.load.stop() });
    void this.#followConnection();
  }

  /** The first server, and the line to it. */
  get server(): NatsServer {
    return present(this.site.servers[0]);
  }

  get line(): TcpProxy {
    return present(this.site.lines[0]);
  }

  get replica(): ReplicaProcess {
    return present(this.#replica);
  }

  startReplica(): void {
    this.#replica = this.#release.add(
      new ReplicaProcess({
        servers: this.site.lines.map(({ port }) => `nats://${REPLICA_LOGIN}@127.0.0.1:${port}`),
        bucket: BUCKET,
        path: this.site.file("copy"),
        ...(this.prefixes === undefined ? {} : { prefixes: this.prefixes }),
        options: { countIntervalMs: COUNT_INTERVAL_MS },
      }),
    );
  }

  /** When the bucket last changed, as far as anybody here changed it: milliseconds since the Unix epoch. */
  get lastChangeAt(): number {
    return Math.max(this.#changedAt, this.load.lastSentAt);
  }

  /** Notes that the bucket changes now, or so many milliseconds from now. */
  changed(inMs = 0): void {
    this.#changedAt = Math.max(this.#changedAt, Date.now() + inMs);
  }

  /** Whether the operator has a line to the bucket; one that stands still counts. */
  get isReachable(): boolean {
    return this.#isConnected;
  }

  /** A request of the JetStream API by the operator. */
  async api<T>(subject: string, body?: unknown): Promise<T> {
    return await askApi<T>(this.client, subject, body);
  }

  /** Asks again while no server can place it: a cluster takes a while to find itself. */
  async createBucket(): Promise<void> {
    const config = { ...bucketConfig, ...this.#stream };
    await until(
      "the bucket is made",
      () => this.#succeeds(`STREAM.CREATE.${STREAM}`, config, CREATED_MS),
      PLACED_MS,
    );
    this.changed();
  }

  async deleteBucket(): Promise<void> {
    await this.api(`STREAM.DELETE.${STREAM}`);
    this.changed();
  }

  async purge(request: { readonly filter?: string; readonly seq?: number } = {}): Promise<void> {
    await this.api(`STREAM.PURGE.${STREAM}`, request);
    this.changed();
  }

  /** The consumers of replicas at the bucket. */
  async consumers(): Promise<string[]> {
    const { consumers } = await this.api<{ consumers: string[] | null }>(
      `CONSUMER.NAMES.${STREAM}`,
    );
    return (consumers ?? []).filter((name) => name.startsWith("millpond"));
  }

  /** Resolves once the bucket answers. */
  async reachable(): Promise<void> {
    await until(
      "the bucket answers",
      () => this.#succeeds(`STREAM.INFO.${STREAM}`, undefined, SOON_MS),
      PLACED_MS,
    );
  }

  async #succeeds(subject: string, body: unknown, answerMs: number): Promise<boolean> {
    return await askApi(this.client, subject, body, answerMs).then(
      () => true,
      () => false,
    );
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.client.status()) {
      if (type === "disconnect") this.#isConnected = false;
      if (type === "reconnect") this.#isConnected = true;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release[Symbol.asyncDispose]();
  }
}

const bucketConfig: StreamSettings = {
  name: STREAM,
  subjects: [`$KV.${BUCKET}.>`],
  retention: "limits",
  storage: "file",
  discard: "new",
  num_replicas: 1,
  max_msgs_per_subject: 1,
  allow_rollup_hdrs: true,
  allow_direct: true,
};

async function connectOperator(site: Site): Promise<Client> {
  return await connectClient({
    servers: site.servers.map(({ port }) => `127.0.0.1:${port}`),
    ...OPERATOR,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
    pingInterval: 2_000,
  });
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the scene has none yet");
  return value;
}
