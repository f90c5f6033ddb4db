import type { Fault } from "../fault.js";
import { dropsOldest } from "../needs.js";

/** Of the sources. What only the one for NATS can get wrong, no simulation meets: a test of it does. */
export const sourceFaults: readonly Fault[] = [
  {
    id: "state-sync-skips-history",
    wrong:
      "delivers what newer records of the same keys have replaced, in place of the last of each key",
    invariant: 3,
    edits: [
      {
        file: "in-process/watch.js",
        find: `if (!stream.log.isLastAsOf(record, this.#head)) return false;`,
        replace: `if (stream.log.isLastAsOf(record, this.#head) && record.sequence % 2 === 0) return false;`,
      },
    ],
  },
  {
    id: "overrun-not-told",
    wrong: "goes on with a watch that was overrun as if nothing had been dropped",
    invariant: 3,
    needs: dropsOldest,
    edits: [
      {
        file: "in-process/watch.js",
        find: `if (!this.#setup.sweeps && stream.evictedThrough > frontier)`,
        replace: `if (frontier < 0)`,
      },
      {
        file: "in-process/watch.js",
        find: `if (this.#position < lastSequence || firstSequence <= this.#floor) return {};`,
        replace: `return {};`,
      },
    ],
  },
  {
    id: "heartbeat-while-stalled",
    wrong: "takes a heartbeat for a bookmark although the server holds updates back",
    invariant: 1,
    edits: [
      {
        file: "nats/pull-consumer.js",
        find: `if (header("Nats-Consumer-Stalled") !== "") return;`,
        replace: ``,
      },
    ],
    test: {
      file: "nats/pull-consumer.test.js",
      name: "takes a heartbeat for a bookmark only when nothing is missing or held back",
    },
  },
  {
    id: "clamp-not-read",
    wrong: "takes the start that a server has moved for the one that was asked for",
    invariant: 3,
    edits: [
      {
        file: "nats/watch.js",
        find: `if (!restart && (actual < asked || actual > latest)) {`,
        replace: `if (latest < 0) {`,
      },
    ],
    test: {
      file: "nats/watch-by-hand.test.js",
      name: "after a position ends it, with sweeps false: what lies between was dropped meanwhile",
    },
  },
];
