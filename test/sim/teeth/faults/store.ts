import type { Fault } from "../fault.js";
import { compacts, tries } from "../needs.js";

/** Of the store, of what brings updates into it, and of what is read over it. */
export const storeFaults: readonly Fault[] = [
  {
    id: "memory-before-log",
    wrong:
      "has a batch in memory before the log has it, and leaves it there where the log refuses it",
    invariant: 2,
    edits: [
      {
        file: "store/append-log-snapshot.js",
        find: `this.#entries.stage(encoder.body);`,
        replace: `this.#entries.stage(encoder.body); this.#entries.commit();`,
      },
      {
        file: "store/append-log-snapshot.js",
        find: `this.#entries.abort();`,
        replace: ``,
      },
      {
        file: "store/append-log-snapshot.js",
        find: `this.#entries.commit(); const { length, format }`,
        replace: `const { length, format }`,
      },
    ],
    // What the store refuses is read all the same, from over it, and given to it again.
    test: {
      file: "store/append-log-snapshot.test.js",
      name: "a batch is seen only once it is as durable as asked for \\(power\\)",
    },
  },
  {
    id: "position-before-log",
    wrong:
      "takes a batch's position before the log has the batch, and keeps it where the log refuses that",
    invariant: 2,
    needs: tries("sick disk"),
    edits: [
      {
        file: "store/append-log-snapshot.js",
        find: `origin: origin ?? this.#position.origin };`,
        replace: `origin: origin ?? this.#position.origin }; this.#position = position;`,
      },
    ],
  },
  {
    id: "failed-batch-dropped",
    wrong: "forgets a batch that the store has refused",
    invariant: 10,
    needs: tries("sick disk"),
    edits: [
      {
        file: "watch/store-writer.js",
        find: `this.#held = [...this.#inFlight, ...this.#held];`,
        replace: ``,
      },
    ],
  },
  {
    id: "failed-batch-comes-last",
    wrong: "gives the store what it has refused behind what came after it",
    invariant: 10,
    needs: tries("sick disk"),
    edits: [
      {
        file: "watch/store-writer.js",
        find: `this.#held = [...this.#inFlight, ...this.#held];`,
        replace: `this.#held = [...this.#held, ...this.#inFlight];`,
      },
    ],
  },
  {
    id: "reported-before-stored",
    wrong: "reports a position before the store has it",
    invariant: 1,
    needs: tries("sick disk"),
    edits: [
      {
        file: "watch/store-writer.js",
        find: `const { cursor, timeNs } = position;`,
        replace: `const { cursor, timeNs } = position; this.#options.onDurable(cursor);`,
      },
    ],
  },
  {
    id: "written-in-two",
    wrong: "gives the store a batch's position first and the batch after that",
    invariant: 2,
    edits: [
      {
        file: "replica/current-copy.js",
        find: `const origin = this.#note.text;`,
        replace: `const origin = this.#note.text; if (batch.length > 0) await this.#store.apply([], cursor, { cursorTimeNs, ...(origin === undefined ? {} : { origin }) });`,
      },
    ],
  },
  {
    id: "held-without-bound",
    wrong: "holds any number of updates for a store that fails",
    invariant: 8,
    needs: tries("stalled"),
    edits: [
      {
        file: "watch/store-writer.js",
        find: `return updates > maxHeldUpdates || this.#heldBytes > maxHeldBytes;`,
        replace: `return updates < 0;`,
      },
    ],
  },
  {
    id: "compaction-not-from-memory",
    wrong: "dumps an empty memory where a compaction is due",
    invariant: 2,
    needs: compacts,
    edits: [
      {
        file: "store/store-compactions.js",
        find: `live: slicesOf(entries, order),`,
        replace: `live: [],`,
      },
    ],
  },
  {
    id: "newer-hidden-by-stored",
    wrong:
      "shows what the store has just taken of a key, although something newer has been applied",
    invariant: 9,
    needs: tries("sick disk"),
    edits: [
      {
        file: "replica/current-copy.js",
        find: `if (this.#byKey.get(update.key) === update) this.#byKey.delete(update.key);`,
        replace: `this.#byKey.delete(update.key);`,
      },
    ],
  },
];
