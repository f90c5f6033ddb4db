import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { KvEntry } from "../../src/values/index.js";
import { readSnapshot, verify } from "../../src/log/index.js";
import { FollowerJudge, type JudgeParts } from "./follower-judge.js";
import type { HeldCopy } from "./journal.js";
import type { Life } from "./life.js";
import type { CopyOrder } from "./orders.js";
import type { Tally } from "./tally.js";
import { demand, Violation } from "./violation.js";

const LOG = "copy.snap";
/** Of the longer header, which is format 3's. */
const HEADER_BYTES = 24;

/** Judges what is on the disk of one copy each time that its process was killed, and those who follow it. */
export class CopyJudge {
  readonly order: CopyOrder;
  readonly tally: Tally;
  readonly #parts: JudgeParts;
  readonly #followers = new Map<number, FollowerJudge>();
  #copy: HeldCopy = { position: 0, entries: new Map() };

  constructor(order: CopyOrder, tally: Tally, parts: JudgeParts) {
    this.order = order;
    this.tally = tally;
    this.#parts = parts;
  }

  get position(): number {
    return this.#copy.position;
  }

  /** All that anybody has of it. */
  get copies(): HeldCopy[] {
    return [this.#copy, ...Array.from(this.#followers.values(), ({ copy }) => copy)];
  }

  /** In the place of the follower of that number that there was. */
  newFollower(number: number): FollowerJudge {
    const judge = new FollowerJudge(
      this.#parts,
      this.tally.followers,
      this.order.format,
      this.position,
    );
    this.#followers.set(number, judge);
    return judge;
  }

  /** After a kill. Nothing is being written to the bucket whose answer has not come. */
  async judge(life: Life): Promise<void> {
    this.tally.add(life, await this.#leftTemporary(life.pid));
    try {
      await this.#judge(life);
    } catch (error) {
      this.tally.violated(error);
      throw this.#told(error, life);
    }
  }

  /** With which copy it is, and what its process said last. */
  #told(error: unknown, { phase, operation, said }: Life): Violation {
    const { format, durability } = this.order;
    const last = said.filter((each) => each.said !== "at" && each.said !== "read").slice(-8);
    const where = `format ${format}, ${durability}, killed in ${phase}, ${operation ?? "from without"}`;
    const kind = error instanceof Violation ? error.kind : "wrong";
    return new Violation(kind, `${String(error)}\n  ${where}, after ${JSON.stringify(last)}`);
  }

  async #judge(life: Life): Promise<void> {
    const before = this.#copy;
    this.#checkSaid(life, before);
    this.#copy = await this.#read();
    const { position } = this.#copy;
    demand(position >= before.position, "back", `the log: ${position} after ${before.position}`);
    demand(
      position >= life.saidCursor,
      "lost",
      `${life.saidCursor} was told, ${position} is there`,
    );
    this.#parts.journal.check(this.#copy, { exactly: false });
    for (const follower of this.#followers.values()) follower.owe(position);
    this.checkFollowers();
  }

  checkFollowers(): void {
    for (const follower of this.#followers.values()) follower.check();
  }

  /** Whether all followers show what the log has. */
  get isFollowed(): boolean {
    this.checkFollowers();
    return [...this.#followers.values()].every(({ isLevel }) => isLevel);
  }

  /** Reads what a mirror has left that was let run to its end. */
  async refresh(): Promise<void> {
    this.#copy = await this.#read();
    for (const follower of this.#followers.values()) follower.owe(this.position);
  }

  /** Throws where the copy or what a follower shows is not key for key what the bucket has. */
  requireEqual(bucket: readonly KvEntry[]): void {
    for (const { entries } of this.copies) {
      for (const { key, version, value } of bucket) {
        const held = entries.get(key);
        const isSame = held?.revision === Number(version.toU64()) && held.crc === crc32(value);
        demand(isSame, "lost", `${key} is at ${held?.revision} in the end, not ${version.toU64()}`);
      }
      demand(entries.size === bucket.length, "wrong", "a copy has keys that the bucket has not");
    }
  }

  #checkSaid({ said, isReady, isResumed }: Life, before: HeldCopy): void {
    for (const each of said) {
      if (each.said === "violation") demand(false, each.kind, each.text);
      if (each.said === "open-failed") demand(each.code === "io", "wrong", JSON.stringify(each));
      if (each.said === "event") {
        const isFirstFill = each.type === "repair-started" && before.position === 0;
        demand(isFirstFill, "wrong", `${each.type}: ${each.text}`);
      }
      if (each.said !== "read") continue;
      for (const [key, revision, crc] of each.entries) {
        this.#parts.journal.requireWritten(key, { revision, crc });
      }
    }
    if (isReady) demand(isResumed === before.position > 0, "lost", "it did not resume");
  }

  async #leftTemporary(pid: number): Promise<boolean> {
    const names = await readdir(this.order.path).catch((): string[] => []);
    return names.includes(`${LOG}.compact-${pid}.tmp`);
  }

  async #read(): Promise<HeldCopy> {
    const file = join(this.order.path, LOG);
    const size = await stat(file)
      .then((found) => found.size)
      .catch(() => 0);
    // Killed while it was making the file: the next one makes it whole.
    if (size < HEADER_BYTES && this.position === 0) return this.#copy;
    const snapshot = await readSnapshot(file);
    if (snapshot === undefined) return { position: 0, entries: new Map() };
    const { result } = await verify(file);
    demand(result === "ok", "wrong", `the log is ${result}`);
    const entries = Array.from(snapshot.entries.values(), ({ key, version, value }) => {
      return [key, { revision: Number(version.toU64()), crc: crc32(value) }] as const;
    });
    return { position: Number(snapshot.cursor.toU64() ?? 0n), entries: new Map(entries) };
  }
}
