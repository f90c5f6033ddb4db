import { setTimeout as delay } from "node:timers/promises";
import { crc32 } from "node:zlib";
import type { KvStore } from "../../src/kv/index.js";
import { openReplica, type Replica, type ReplicaEvent } from "../../src/replica/index.js";
import type { WatchCursor } from "../../src/values/index.js";
import { MeddlingFileSystem, type Meddler } from "../support/meddling-file-system.js";
import { randomFrom } from "../support/seed.js";
import { Death, sayOf, type Say } from "./death.js";
import type { CopyOrder, MirrorOrder } from "./orders.js";
import { SickBed } from "./sick-bed.js";
import { Sickness } from "./sickness.js";
import { codeOf } from "../support/code-of.js";

const LOOK_MS = 10;
const REOPEN_MS = 20;
/** For a disk that is to be found well again soon. */
const RETRY = { minMs: 10, maxMs: 100 };
/** One look in so many reads so many keys. */
const READ_EVERY = 4;
const READ_KEYS = 8;

/** One copy of a process that is to be killed. It is read all the time, and all that its parent needs to judge it is said. */
export class KeptCopy {
  readonly #order: CopyOrder;
  readonly #compactThreshold: number;
  readonly #say: Say;
  readonly #death: Death;
  readonly #fs: MeddlingFileSystem;
  readonly #bed: SickBed | undefined;
  #replica: Replica | undefined;
  #isFetching = false;

  constructor(index: number, order: CopyOrder, all: MirrorOrder) {
    this.#order = order;
    this.#compactThreshold = all.compactThreshold;
    this.#say = sayOf(index);
    this.#death = new Death(order.death, this.#say);
    const random = randomFrom(order.sickness ?? 0);
    const sickness = new Sickness(random);
    if (order.sickness !== undefined)
      this.#bed = new SickBed(sickness, random, all.patience, this.#say);
    this.#fs = new MeddlingFileSystem(inTurn(this.#death, sickness));
  }

  /** Again and again where the disk does not let it. */
  async open(source: KvStore): Promise<void> {
    this.#say({ said: "opening" });
    this.#bed?.begin();
    for (;;) {
      try {
        this.#replica = await this.#openOnce(source);
        break;
      } catch (error) {
        this.#say({ said: "open-failed", code: codeOf(error) });
        await delay(REOPEN_MS);
      }
    }
    this.#say({ said: "opened", cursor: numberOf(this.#replica.status().cursor) });
    this.#look(this.#replica);
  }

  async close(): Promise<void> {
    this.#death.isClosing = true;
    this.#say({ said: "closing" });
    await this.#replica?.close();
    this.#say({ said: "closed" });
  }

  #openOnce(source: KvStore): Promise<Replica> {
    const { path, format, durability, sickness } = this.#order;
    return openReplica({
      source,
      path,
      format,
      durability,
      compactThreshold: this.#compactThreshold,
      fs: this.#fs,
      onEvent: (event) => this.#heard(event),
      ...(sickness === undefined ? {} : { retry: RETRY }),
    });
  }

  #heard(event: ReplicaEvent): void {
    const { type } = event;
    if (type === "progress") {
      if (!this.#isFetching) this.#say({ said: "fetching" });
      this.#isFetching = true;
    } else if (type === "ready") {
      const { cursor, resumed, received } = event;
      this.#say({ said: "ready", cursor: numberOf(cursor), resumed, received });
    } else if (type === "audited") {
      const { missing, stale, extra } = event.report;
      if (missing + stale + extra > 0) this.#tell(type, event.report);
    } else if (type === "store-failed" || type === "store-recovered") {
      if (this.#replica !== undefined) this.#bed?.told(type, this.#replica);
    } else if (type === "state") {
      if (event.state === "failed") this.#tell("failed", this.#replica?.status().lastError);
    } else if (type === "repair-started") this.#tell(type, event.reason);
    else if (type === "log-repaired") this.#tell(type, event.repair);
  }

  #tell(type: string, what: unknown): void {
    const text = what instanceof Error ? String(what) : JSON.stringify(what);
    this.#say({ said: "event", type, text });
  }

  /** Says how far the log has come, and reads, until it is closed. */
  #look(replica: Replica): void {
    let said = 0;
    let looks = 0;
    const timer = setInterval(() => {
      if (this.#death.isClosing) return clearInterval(timer);
      const cursor = numberOf(replica.status().cursor);
      if (cursor !== said) this.#say({ said: "at", cursor });
      said = cursor;
      this.#bed?.look(replica);
      looks += 1;
      if (looks % READ_EVERY === 0) this.#read(replica);
    }, LOOK_MS);
  }

  #read(replica: Replica): void {
    const keys = Array.from(replica.entries(), ({ key }) => key);
    const first = Math.floor(Math.random() * keys.length);
    const entries = keys.slice(first, first + READ_KEYS).map((key) => {
      const entry = replica.entry(key);
      return [key, Number(entry?.revision), crc32(entry?.value ?? "")] as const;
    });
    this.#say({ said: "read", entries });
  }
}

function inTurn(...meddlers: readonly Meddler[]): Meddler {
  return {
    pauseMs: (operation) => Math.max(...meddlers.map((each) => each.pauseMs(operation))),
    before: (operation) => {
      for (const each of meddlers) {
        const fault = each.before(operation);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
    during: (operation) => {
      for (const each of meddlers) each.during(operation);
    },
    after: (operation) => {
      for (const each of meddlers) each.after(operation);
    },
  };
}

function numberOf(cursor: WatchCursor): number {
  return Number(cursor.toU64() ?? 0n);
}
