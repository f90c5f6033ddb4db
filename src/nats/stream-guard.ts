import { gapIsHarmless, resumeIsSound } from "../rules/index.js";
import type { JetStreamApi } from "./api.js";
import type { StreamInfo } from "./api-types.js";
import { evicts } from "./bucket-config.js";
import { cursorExpired } from "./errors.js";
import { streamOf } from "./subjects.js";

/**
 * What a watch knows of its stream, and the looks at it by which the watch makes sure that nothing was dropped under it: the
 * server does not tell (2.10, 2.15).
 */
export class StreamGuard {
  readonly #api: JetStreamApi;
  readonly #bucket: string;
  readonly #created: string;
  #head: number;
  #evicts: boolean;
  readonly #hasTtl: boolean;

  private constructor(api: JetStreamApi, bucket: string, info: StreamInfo) {
    this.#api = api;
    this.#bucket = bucket;
    this.#created = info.created;
    this.#head = info.state.last_seq;
    this.#evicts = evicts(info.config);
    this.#hasTtl = info.config.allow_msg_ttl === true;
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

  /** The stream's last sequence at the last look. */
  get head(): number {
    return this.#head;
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
    const info = await this.look(reached);
    const floor = { firstSequence: info.state.first_seq, evicts: this.#evicts };
    if (!gapIsHarmless(frontier, floor, whole)) {
      throw cursorExpired(
        `bucket ${this.#bucket} begins at ${floor.firstSequence} now: what came after ${frontier} was dropped before this watch had read it`,
      );
    }
  }

  /** Throws `cursor-expired` where the stream is another one, or was rolled back to before `reached`. */
  async look(reached: number): Promise<StreamInfo> {
    const info = await this.#api.streamInfo(streamOf(this.#bucket));
    if (info.created !== this.#created || info.state.last_seq < reached) {
      throw cursorExpired(`bucket ${this.#bucket} was made again or rolled back under the watch`);
    }
    this.#head = info.state.last_seq;
    this.#evicts = evicts(info.config);
    return info;
  }
}
