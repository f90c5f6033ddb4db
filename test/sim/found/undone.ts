import type { Planted } from "../teeth/fault.js";

/**
 * Each undoes what mended a find of the simulator, where no deliberate fault does: in our own code, or in the judge where that had been too
 * strict.
 */
export const undone: readonly Planted[] = [
  {
    id: "seen-kept-while-filling",
    wrong: "keeps what was seen of a bucket beside a copy without a position, which is filled",
    edits: [
      {
        file: "replica/open-replica.js",
        find: `if (store.cursor().isNone) await seenFile.remove();`,
        replace: ``,
      },
    ],
  },
  {
    id: "file-not-set-back",
    wrong: "takes the age that a file tells for one by the clock as it is set now",
    edits: [
      {
        file: "replica/assemble.js",
        find: `progress.freshness.provenEarlier(levelAt);`,
        replace: `progress.freshness.provenUpTo(levelAt);`,
      },
    ],
  },
  {
    id: "moment-not-set-back",
    wrong: "takes a word by the clock as it was set before the word waited",
    edits: [
      {
        file: "platform/clock.js",
        find: `setBackMs > CLOCK_ROUNDING_MS ? moment - Math.ceil(setBackMs) : moment`,
        replace: `moment`,
      },
    ],
  },
  {
    id: "slice-not-copied",
    wrong: "hands on a slice of a dump that lies in memory which the next batch is staged in",
    edits: [
      {
        file: "store/store-compactions.js",
        find: `yield { records: new Uint8Array(slice.records), count: slice.count };`,
        replace: `yield slice;`,
      },
    ],
  },
  {
    id: "header-not-synced",
    wrong: "goes on behind a header that no sync has made safe",
    edits: [
      {
        file: "log/open-log.js",
        find: `nobody can tell from somebody else's. await handle.sync();`,
        replace: ``,
      },
      {
        file: "log/open-log.js",
        find: `handle.writeSync(codec.header(scan.salt), 0); await handle.sync();`,
        replace: ``,
      },
    ],
  },
  {
    id: "live-of-unknown-history",
    wrong: "is live before an audit although nothing tells whether the history is the copy's own",
    edits: [
      {
        file: "replica/progress.js",
        find: `this.#isOfUnknownHistory = event.isUnproven === true;`,
        replace: ``,
      },
    ],
  },
  {
    id: "floor-of-unknown-history",
    wrong: "sweeps by a floor before it is known whether the history is the copy's own",
    edits: [
      {
        file: "watch/follow-stage.js",
        find: `floors.counting(told, isUnproven())`,
        replace: `floors.counting(told, false)`,
      },
    ],
  },
  {
    id: "position-timed-before-audit",
    wrong: "notes the time of a position before it is known whether the history is the copy's own",
    edits: [
      {
        file: "watch/follow-stage.js",
        find: `return isUnproven() ? { ...position, timeNs: 0n } : position;`,
        replace: `return position;`,
      },
    ],
  },
  {
    id: "failed-rename-did-nothing",
    wrong: "believes of a rename that failed that it had no effect",
    edits: [
      {
        file: "log/compact/compact-file.js",
        find: `if (there === fileId) return;`,
        replace: ``,
      },
    ],
  },
  {
    id: "audit-retains-deleted",
    wrong: "has an audit keep in a copy that retains what somebody has deleted",
    edits: [
      {
        file: "watch/audit.js",
        find: `if (verdict === "extra" && bucket.keeps(record))`,
        replace: `if (verdict === "extra" && bucket.retains)`,
      },
    ],
  },
  {
    id: "audit-of-a-rolled-back-bucket",
    wrong: "has an audit mend a copy by a history that ends before the copy's position",
    edits: [
      {
        file: "watch/audit.js",
        find: `if (lastSequence !== undefined && lastSequence < (cursor.toU64() ?? 0n)) {`,
        replace: `if (cursor === undefined) {`,
      },
    ],
  },
  {
    id: "not-asked-again",
    wrong: "does not ask again whose a bucket is once its watch is set up",
    edits: [
      {
        file: "watch/supervisor.js",
        find: `if (actual?.created !== again?.created) {`,
        replace: `if (again === null) {`,
      },
    ],
  },
  {
    id: "note-kept-after-damage",
    wrong: "takes what was kept of a damaged log for the making that the note beside it names",
    edits: [
      {
        file: "replica/open-replica.js",
        find: `await note.forgetAfterDamage();`,
        replace: `;`,
      },
    ],
  },
  {
    id: "sync-does-not-heal",
    wrong: "does not heal a poisoned log where a sync is asked for",
    edits: [
      {
        file: "store/append-log-snapshot.js",
        find: `if (this.#log.isPoisoned) await this.#heal(); await this.#log.sync();`,
        replace: `await this.#log.sync();`,
      },
    ],
  },
  {
    id: "judge-forgets-earlier-roll-backs",
    wrong: "does not forgive a copy that retains what the first of two roll backs took",
    edits: [
      {
        file: "../test/sim/judge.js",
        find: `|| this.#isKeptOfOld(states, first)`,
        replace: ``,
      },
    ],
  },
  {
    id: "judge-has-roll-backs-take",
    wrong: "does not forgive a copy that retains what a roll back took",
    edits: [
      {
        file: "../test/sim/judge.js",
        find: `(this.#options.retains && next?.record?.kind !== "put")`,
        replace: `false`,
      },
    ],
  },
  {
    id: "judge-has-expiries-take",
    wrong: "does not forgive a copy that retains what expired in the bucket",
    edits: [
      {
        file: "../test/sim/judge.js",
        find: `return next !== undefined && this.#isRetained(next);`,
        replace: `return false;`,
      },
    ],
  },
  {
    id: "judge-has-expiries-told",
    wrong: "has a copy that retains know which record a marker that it passes over is of",
    edits: [
      {
        file: "../test/sim/judge.js",
        find: `first = this.#beforeExpiry(states, from, first);`,
        replace: ``,
      },
      {
        file: "../test/sim/judge.js",
        find: `return this.#isMissed(states[first]) ? from : first;`,
        replace: `return first;`,
      },
    ],
  },
];
