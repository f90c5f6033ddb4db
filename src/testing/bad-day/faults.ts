import type { BucketBackup, InProcessBucket } from "../../in-process/index.js";
import { isMillpondError } from "../../errors/index.js";
import { allKeys, type KvRecordHead } from "../../kv/index.js";
import type { DiskOperation } from "../simulation/disk-state.js";
import { integerBelow, randomFor } from "../simulation/random.js";
import type { SimulatedLink } from "../simulation/simulated-link.js";
import type { Machine } from "./consumer-process.js";
import type { BadDayFault } from "./options.js";
import type { PlannedFault } from "./plan.js";

/** A line that has fallen silent is found dead after this, in every other case. As the NATS source does. */
const NOTICED_MS = 2500;
const SLOWEST_LINE_MS = 1000;
const SLOWEST_DISK_MS = 2000;
const SLOWEST_DATABASE_MS = 2000;
const LONGEST_WITHOUT_BUCKET_MS = 5000;
const MOST_LEFT_BYTES = 4000;
const FAILING: readonly DiskOperation[] = ["read", "write", "sync", "rename"];
const CHANCES = [0.1, 0.5, 1] as const;

type Sickness = Extract<
  BadDayFault,
  "disk-full" | "disk-failure" | "slow-disk" | "bit-rot" | "database-failure" | "slow-database"
>;

/** What can be done to the process. */
export interface ProcessControls {
  /** Each is false where it is down already. */
  crash(downMs: number): boolean;
  losePower(downMs: number): boolean;
  restart(): boolean;
}

/** Lets faults happen, and ends them. */
export class Faults {
  readonly #machine: Machine;
  readonly #process: ProcessControls;
  /** How often each came to be. */
  readonly counts: Partial<Record<BadDayFault, number>> = {};
  /** What ends those that last. */
  readonly #lasting = new Map<string, () => void>();
  #link: SimulatedLink | undefined;
  #slowLineMs = 0;
  #slowDiskMs = 0;
  #slowDatabaseMs = 0;
  #backup: BucketBackup | undefined;

  constructor(machine: Machine, process: ProcessControls) {
    const { settings, disk, database } = machine;
    this.#machine = machine;
    this.#process = process;
    const slow = randomFor(settings.seed, "database latency");
    database.latencyMs = () => this.#slowDatabaseMs + 1 + integerBelow(slow, 10);
    disk.latencyMs = () => this.#slowDiskMs;
  }

  /** A process has a line of its own, in the state that the line is in. */
  adopt(link: SimulatedLink): void {
    const random = randomFor(this.#machine.settings.seed, "line latency");
    this.#link = link;
    link.latencyMs = () => this.#slowLineMs + integerBelow(random, 5);
    if (this.#lasting.has("cut")) link.cut();
    if (this.#lasting.has("stall")) link.freeze();
  }

  /** Keeps what the bucket is now, for a roll-back. */
  async backUp(): Promise<void> {
    this.#backup = await this.#bucket().backUp();
  }

  /** Does not wait for what takes time. */
  async happen(fault: PlannedFault): Promise<void> {
    let text: string | undefined;
    try {
      text = await this.#do(fault);
    } catch (error) {
      // There is no bucket at the moment, or nothing left of what was to be hit.
      if (!isMillpondError(error)) throw error;
    }
    if (text === undefined) return;
    this.counts[fault.what] = (this.counts[fault.what] ?? 0) + 1;
    this.#machine.story.tell(`${fault.what}: ${text}`);
  }

  /** Ends all that last. The bucket is there. */
  async end(): Promise<void> {
    for (const end of this.#lasting.values()) end();
    this.#lasting.clear();
    this.#machine.disk.heal();
    await this.#make();
  }

  async #do(fault: PlannedFault): Promise<string | undefined> {
    const { ms, share } = fault;
    switch (fault.what) {
      case "evict":
        return this.#evict(share);
      case "purge-keys":
        return this.#purgeKeys(share);
      case "purge-markers":
        await this.#bucket().purgeDeletes();
        return "what says that keys were removed is gone from the bucket";
      case "delete-message":
        return this.#deleteMessage(share);
      case "recreate":
        return this.#recreate(ms, share);
      case "roll-back":
        return this.#rollBack();
      case "cut":
        return this.#cut(ms);
      case "stall":
        return this.#stall(ms, share);
      case "slow-line":
        return this.#slowLine(ms, share);
      case "crash":
        return this.#process.crash(ms) ? `the process is gone, for ${ms} ms` : undefined;
      case "power-loss":
        return this.#process.losePower(ms) ? `the machine is down for ${ms} ms` : undefined;
      case "restart":
        return this.#process.restart() ? "the process is asked to end" : undefined;
      case "disk-full":
      case "disk-failure":
      case "slow-disk":
      case "bit-rot":
      case "database-failure":
      case "slow-database":
        return this.#sicken(fault.what, ms, share);
    }
  }

  /** Of the disk and the database. */
  #sicken(what: Sickness, ms: number, share: number): string | undefined {
    const { disk, database } = this.#machine;
    const chance = CHANCES[Math.floor(share * CHANCES.length)] ?? 1;
    switch (what) {
      case "disk-full": {
        const left = Math.floor(share * MOST_LEFT_BYTES);
        disk.capacityBytes = disk.usedBytes + left;
        this.#last("full", ms, () => (disk.capacityBytes = Infinity));
        return `${left} bytes are left, for ${ms} ms`;
      }
      case "disk-failure": {
        const operation = FAILING[Math.floor(share * 1000) % FAILING.length] ?? "write";
        disk.fail(operation, chance);
        this.#last(operation, ms, () => disk.fail(operation, 0));
        return `of 10 ${operation} operations ${chance * 10} fail, for ${ms} ms`;
      }
      case "slow-disk":
        this.#slowDiskMs = Math.ceil(share * SLOWEST_DISK_MS);
        this.#last("slow disk", ms, () => (this.#slowDiskMs = 0));
        return `operations take ${this.#slowDiskMs} ms, for ${ms} ms`;
      case "bit-rot": {
        const hit = disk.rot();
        return hit && `one bit of ${hit.path} at ${hit.offset} is another`;
      }
      case "database-failure":
        database.fail(chance);
        this.#last("database", ms, () => database.fail(0));
        return `of 10 operations ${chance * 10} fail, for ${ms} ms`;
      case "slow-database":
        this.#slowDatabaseMs = Math.ceil(share * SLOWEST_DATABASE_MS);
        this.#last("slow database", ms, () => (this.#slowDatabaseMs = 0));
        return `operations take ${this.#slowDatabaseMs} ms, for ${ms} ms`;
    }
  }

  // The bucket.

  #bucket(): InProcessBucket {
    const { connection, bucketName } = this.#machine;
    return connection.bucket(bucketName);
  }

  async #evict(share: number): Promise<string> {
    const { firstSequence, lastSequence } = await this.#bucket().info();
    const span = Number(lastSequence + 1n - firstSequence);
    const before = firstSequence + BigInt(Math.round(share * span));
    await this.#bucket().evictBefore(before);
    return `the bucket drops what is older than revision ${before}`;
  }

  async #purgeKeys(share: number): Promise<string> {
    const { keys } = this.#machine.settings;
    const key = keys[Math.floor(share * keys.length)] ?? "";
    const prefix = key.slice(0, key.lastIndexOf(".") + 1) || key;
    await this.#bucket().purgeKeys(prefix);
    return `all records of ${prefix}* are gone from the bucket`;
  }

  async #deleteMessage(share: number): Promise<string | undefined> {
    const records: KvRecordHead[] = [];
    for await (const record of this.#bucket().records(allKeys)) records.push(record);
    const record = records[Math.floor(share * records.length)];
    const revision = record?.version.toU64();
    if (record === undefined || revision === undefined) return undefined;
    await this.#bucket().deleteMessage(revision);
    return `the last record of ${record.key}, revision ${revision}, is gone from the bucket`;
  }

  async #recreate(ms: number, share: number): Promise<string> {
    const { connection, bucketName, clock } = this.#machine;
    await connection.deleteBucket(bucketName);
    const awayMs = share < 1 / 2 ? 0 : Math.min(ms, LONGEST_WITHOUT_BUCKET_MS);
    if (awayMs === 0) {
      await this.#make();
      return "the bucket is deleted and made again";
    }
    const make = (): void => {
      this.#make().catch(() => undefined);
    };
    clock.schedule(awayMs, make);
    return `the bucket is deleted, and made again after ${awayMs} ms`;
  }

  async #make(): Promise<void> {
    const { connection, bucketName, settings } = this.#machine;
    await connection.createBucket(bucketName, settings.bucket);
  }

  async #rollBack(): Promise<string | undefined> {
    if (this.#backup === undefined) return undefined;
    await this.#bucket().rollBack(this.#backup);
    return "the bucket is what it was when the round began";
  }

  // The line.

  #cut(ms: number): string {
    this.#link?.cut();
    this.#last("cut", ms, () => this.#link?.restore());
    return `the line is lost for ${ms} ms`;
  }

  #stall(ms: number, share: number): string {
    this.#link?.freeze();
    this.#last("stall", ms, () => this.#link?.thaw());
    const isNoticed = share < 1 / 2 && ms > NOTICED_MS;
    if (!isNoticed) return `nothing comes through for ${ms} ms`;
    this.#machine.clock.schedule(NOTICED_MS, () => {
      if (this.#lasting.has("stall")) this.#cut(ms - NOTICED_MS);
    });
    return `nothing comes through for ${ms} ms, which is noticed after ${NOTICED_MS} ms`;
  }

  #slowLine(ms: number, share: number): string {
    this.#slowLineMs = Math.ceil(share * SLOWEST_LINE_MS);
    this.#last("slow line", ms, () => (this.#slowLineMs = 0));
    return `messages take ${this.#slowLineMs} ms, for ${ms} ms`;
  }

  /** The one that came last counts. */
  #last(what: string, ms: number, end: () => void): void {
    this.#lasting.set(what, end);
    this.#machine.clock.schedule(ms, () => {
      if (this.#lasting.get(what) !== end) return;
      this.#lasting.delete(what);
      end();
    });
  }
}
