import { sleep } from "../platform/index.js";
import { gapIsHarmless, resumeIsSound } from "../rules/index.js";
import type { JetStreamApi } from "./api.js";
import type { StreamInfo } from "./api-types.js";
import { evicts } from "./bucket-config.js";
import { cursorExpired } from "./errors.js";
import { nanosOfTime } from "./message.js";
import { streamOf } from "./subjects.js";

/** A message that was delivered, or seen to be there: when the stream stored it, in ns since 1970, as digits. */
export interface Delivered {
  readonly sequence: number;
  readonly timeNs: string;
}

/** A new leader may take this long to know all that was stored: before then a stream is not called rolled back. */
const LEADER_LAG_MS = 400;
const LEADER_LOOKS = 3;

/**
 * What a watch knows of its stream, and the looks at it by which the watch makes sure that nothing was dropped under it: the
 * server does not tell (2.10, 2.15).
 */
export class StreamGuard {
  readonly #api: JetStreamApi;
  readonly #bucket: string;
  readonly #created: string;
  #first = 0;
  #head = 0;
  #newest: Delivered | undefined;
  #evicts = false;
  readonly #hasTtl: boolean;
  readonly #isReplicated: boolean;

  private constructor(api: JetStreamApi, bucket: string, info: StreamInfo) {
    this.#api = api;
    this.#bucket = bucket;
    this.#created = info.created;
    this.#note(info);
    this.#hasTtl = info.config.allow_msg_ttl === true;
    this.#isReplicated = (info.config.num_replicas ?? 1) > 1;
  }

  /** Throws `bucket-not-found`; and `cursor-expired` unless a watch may go on after `from`. */
  static async begin(
    api: JetStreamApi,
    bucket: string,
    from: bigint | undefined,
  ): Promise<StreamGuard> {
    const info = await api.streamInfo(streamOf(bucket));
    const window = {
      firstSequence: BigInt(info.state.first_seq),
      lastSequence: BigInt(info.state.last_seq),
    };
    if (from !== undefined && !resumeIsSound(from, window)) {
      throw cursorExpired(
        `bucket ${bucket} holds ${window.firstSequence} to ${window.lastSequence}: what came after the position ${from} is not all there`,
      );
    }
    return new StreamGuard(api, bucket, info);
  }

  /** The stream's first sequence at the last look. */
  get first(): number {
    return this.#first;
  }

  /** The stream's last sequence at the last look. */
  get head(): number {
    return this.#head;
  }

  /** The stream's last message at the last look, whatever its subject; `undefined` where it has had none. */
  get newest(): Delivered | undefined {
    return this.#newest;
  }

  /**
   * The last sequence that a consumer made after the look has behind it where it tells of nothing pending. 0 for a stream with replicas: its
   * leader answers the look, and the consumer lives on a server of its own, which may be behind (seen on 2.10 after a leader was killed).
   */
  get headOfConsumers(): number {
    return this.#isReplicated ? 0 : this.#head;
  }

  /** Whether a record's own time to live counted when the watch began; without that a server keeps it all the same (2.10). */
  get hasTtl(): boolean {
    return this.#hasTtl;
  }

  /** Whether the stream could, at the last look, drop the last record of a key by itself. */
  get evicts(): boolean {
    return this.#evicts;
  }

  /**
   * Throws `cursor-expired` unless all that came after `frontier` is still there, or the stream drops no last record by itself
   * and the watch is `whole` (see {@link gapIsHarmless}): it waited all the time, or it is in a state-sync, which began with
   * the last record of every key, so that newer ones replaced what is gone. Also where the stream is another one, or was rolled
   * back to before `reached`.
   */
  async requireHarmless(frontier: number, reached: number, whole = false): Promise<void> {
    await this.look(reached);
    const floor = { firstSequence: this.#first, evicts: this.#evicts };
    if (!gapIsHarmless(frontier, floor, whole)) {
      throw cursorExpired(
        `bucket ${this.#bucket} begins at ${floor.firstSequence} now: what came after ${frontier} was dropped before this watch had read it`,
      );
    }
  }

  /** Throws `cursor-expired` where the stream is another one, or was rolled back to before `reached`. */
  async look(reached: number): Promise<void> {
    const { link } = this.#api;
    for (let looks = 1; ; looks += 1) {
      const info = await this.#api.streamInfo(streamOf(this.#bucket));
      if (info.created !== this.#created) throw this.#madeAgain();
      if (info.state.last_seq >= reached) {
        this.#note(info);
        return;
      }
      if (looks === LEADER_LOOKS) throw this.#rolledBack();
      await sleep(link.clock, LEADER_LAG_MS);
    }
  }

  /**
   * Throws `cursor-expired` where one of these messages, of which it looks at the first few until it finds one, is another one
   * now: a stream that was rolled back keeps its `created` and gives its sequences again. True only where the first of them is the same and
   * lies at `frontier` or after it: one before that is the same also in a stream that was rolled back to somewhere between.
   */
  async requireSame(known: readonly Delivered[], frontier: number): Promise<boolean> {
    for (const [index, { sequence, timeNs }] of known.entries()) {
      const found = await this.#api.messageAt(streamOf(this.#bucket), sequence);
      if (found === undefined) continue;
      if (nanosOfTime(found.time) !== BigInt(timeNs)) throw this.#rolledBack();
      return index === 0 && sequence >= frontier;
    }
    return false;
  }

  #note({ state, config }: StreamInfo): void {
    this.#first = state.first_seq;
    this.#head = state.last_seq;
    const time = nanosOfTime(String(state.last_ts));
    this.#newest =
      state.last_seq === 0 || time === undefined
        ? undefined
        : { sequence: state.last_seq, timeNs: String(time) };
    this.#evicts = evicts(config);
  }

  #madeAgain(): Error {
    return cursorExpired(`bucket ${this.#bucket} was made again under the watch`);
  }

  #rolledBack(): Error {
    return cursorExpired(`bucket ${this.#bucket} was rolled back under the watch`);
  }
}
