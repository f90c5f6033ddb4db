import type { BucketConfig, Connection, KvStore } from "../../kv/index.js";

/** What the bucket suite needs of a backend. */
export interface BucketHarness {
  /** A connection of its own for one test. Servers may be shared: every test makes buckets of its own. */
  open(): Promise<BucketFixture>;
}

/** One test's way to the backend; disposing of it closes what it opened. */
export interface BucketFixture extends AsyncDisposable {
  readonly connection: Connection;
  readonly operator: BucketOperator;
  /** Another connection to the same buckets, closed with the fixture. */
  connect(): Promise<Connection>;
}

/** What an operator can do to a bucket past the {@link Connection}. NATS: the stream manager does all of it. */
export interface BucketOperator {
  /** Deletes the bucket with all it holds. No such bucket is not an error. */
  deleteBucket(name: string): Promise<void>;
  /** Drops every record below `sequence`. NATS: a stream purge with `seq`. */
  evictBefore(name: string, sequence: bigint): Promise<void>;
  /** Drops one record, the only one of its key. NATS: a purge of its subject, because KV streams deny the message delete. */
  deleteMessage(name: string, sequence: bigint): Promise<void>;
  /** Stores a value under a key that only a raw publisher can use. NATS: a publish to `$KV.name.key`. */
  putRaw(name: string, key: string, value: Uint8Array): Promise<void>;
}

/** What a scenario is given. */
export interface Scene {
  readonly connection: Connection;
  readonly operator: BucketOperator;
  readonly connect: () => Promise<Connection>;
  /** A name that no bucket has. */
  readonly newName: () => string;
  /** A bucket of its own, empty. */
  readonly make: (config?: BucketConfig) => Promise<KvStore>;
}

/** Scenarios by the behaviour they show. */
export type Scenarios = Readonly<Record<string, (scene: Scene) => Promise<void>>>;
