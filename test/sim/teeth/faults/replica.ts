import type { Fault } from "../fault.js";
import { lineFails, tries } from "../needs.js";

/** Of what a replica and a follower show and claim. */
export const replicaFaults: readonly Fault[] = [
  {
    id: "live-without-line",
    wrong: "stays live over a line that was lost",
    invariant: 3,
    needs: lineFails,
    edits: [
      {
        file: "replica/standing.js",
        find: `else this.move("interrupted");`,
        replace: `else this.#show();`,
      },
    ],
  },
  {
    id: "live-until-line-is-back",
    wrong: "says only once the line is back that it was lost",
    invariant: 3,
    needs: lineFails,
    edits: [
      {
        file: "replica/standing.js",
        find: `if (this.#source.connected) this.#show(); else this.move("interrupted");`,
        replace: `if (this.#source.connected) this.move("interrupted");`,
      },
    ],
  },
  {
    id: "old-word-believed",
    wrong: "believes after the line is back what was said before it was lost",
    invariant: 3,
    needs: tries("late words"),
    edits: [
      {
        file: "replica/line-proof.js",
        find: `if (this.#needed === undefined) return true;`,
        replace: `return true;`,
      },
    ],
  },
  {
    id: "silence-not-noticed",
    wrong: "stays live however long nothing is heard",
    invariant: 9,
    needs: lineFails,
    edits: [
      {
        file: "replica/silence.js",
        find: `if (now - this.#heardAt >= SILENCE_MS) this.#onSilent();`,
        replace: ``,
      },
    ],
  },
  {
    id: "as-of-with-pending",
    wrong: "calls a copy current that is yet to get updates",
    invariant: 9,
    edits: [
      {
        file: "replica/progress.js",
        find: `if (!caughtUp || pending > 0 ||`,
        replace: `if (!caughtUp ||`,
      },
    ],
  },
  {
    id: "as-of-unchecked",
    wrong: "calls a copy current before it is known what the bucket lost without a word",
    invariant: 9,
    needs: tries("lost in silence"),
    edits: [
      {
        file: "replica/progress.js",
        find: `if (!this.#standing.isLevel || isUnchecked === true) return;`,
        replace: `if (!this.#standing.isLevel) return;`,
      },
    ],
  },
  {
    id: "as-of-when-written",
    wrong: "takes the age of a copy from when the disk was done, not from when the source spoke",
    invariant: 9,
    needs: ({ disk, weights }) => disk.mostMs > 0 || weights.disk > 0,
    edits: [
      {
        file: "replica/progress.js",
        find: `at: event.takenAt ?? this.#clock.now()`,
        replace: `at: this.#clock.now()`,
      },
    ],
  },
  {
    id: "age-shrinks-with-clock",
    wrong: "takes a copy for younger after the clock was set back",
    invariant: 9,
    needs: ({ weights }) => weights.clock > 0,
    edits: [
      {
        file: "replica/freshness.js",
        find: `if (backMs > 0 && this.#asOf !== undefined) this.#asOf -= backMs;`,
        replace: ``,
      },
    ],
  },
  {
    id: "stale-answer-given",
    wrong: "answers from a copy that is older than the reader allows",
    invariant: 9,
    needs: ({ weights }) => weights.api > 0,
    edits: [
      {
        file: "replica/freshness.js",
        find: `if (this.isWithin(maxStalenessMs)) return;`,
        replace: `return;`,
      },
    ],
  },
  {
    id: "seen-believed-anyhow",
    wrong: "takes the age of a copy from seen.json although the log has lost what was there then",
    invariant: 9,
    needs: tries("dark starts", "rotting log"),
    edits: [
      {
        file: "replica/seen.js",
        find: `return hasReached(cursor, seen.cursor) ? seen.levelAt : undefined;`,
        replace: `return seen.levelAt;`,
      },
    ],
  },
  {
    id: "seen-of-other-copy",
    wrong: "believes what seen.json says of another bucket's copy",
    invariant: 9,
    edits: [
      {
        file: "replica/assemble.js",
        find: `return seen !== undefined && seen.origin === note.text ? seen : undefined;`,
        replace: `return seen && { ...seen, origin: note.text };`,
      },
    ],
    // A bucket that is made again has the same limits and the same clock here.
    test: {
      file: "replica/expiry.test.js",
      name: "is shown after such a start where what was seen is of another bucket, or of one made before it",
    },
  },
  {
    id: "expiry-by-own-clock",
    wrong: "lets entries expire by the machine's own clock",
    invariant: 9,
    needs: tries("growing old"),
    edits: [
      {
        file: "replica/server-time.js",
        find: `this.#offsetMs = serverTimeMs - (askedAt + answeredAt) / 2;`,
        replace: `this.#offsetMs = 0 * (serverTimeMs + askedAt + answeredAt);`,
      },
    ],
  },
  {
    id: "expired-still-shown",
    wrong: "shows and keeps what is over",
    invariant: 9,
    needs: tries("growing old"),
    edits: [
      {
        file: "replica/expiry.js",
        find: `if (mode === "retain" || this.#limits === undefined) return false;`,
        replace: `return false;`,
      },
    ],
  },
  {
    id: "wait-ends-early",
    wrong: "ends a wait for a revision once the bucket is known to have it",
    invariant: 9,
    needs: ({ weights }) => weights.api > 0,
    edits: [
      {
        file: "replica/progress.js",
        find: `return hasReached(this.#whole, revision);`,
        replace: `return hasReached(this.#head, revision);`,
      },
    ],
  },
  {
    id: "changes-out-of-order",
    wrong: "tells the newest of the changes that wait first",
    invariant: 9,
    edits: [
      {
        file: "replica/change-feed.js",
        find: `const changes = this.#queue.shift();`,
        replace: `const changes = this.#queue.pop();`,
      },
    ],
  },
  {
    id: "changes-missed-in-silence",
    wrong: "drops changes for a reader who is too slow, and tells nobody",
    invariant: 8,
    needs: ({ weights }) => weights.api > 0,
    edits: [
      {
        file: "replica/change-feed.js",
        find: `this.#forget(); this.end(missed(this.#maxQueued, this.#maxBytes)); return;`,
        replace: `return;`,
      },
    ],
  },
  {
    id: "previous-of-batch-forgotten",
    wrong: "tells of a key's second change in a batch what it had before the first",
    invariant: 9,
    edits: [
      {
        file: "replica/changes.js",
        find: `const previous = earlier === undefined ? copy.get(key) : valueOf(earlier);`,
        replace: `const previous = copy.get(key);`,
      },
    ],
  },
  {
    id: "identity-noted-first",
    wrong: "notes whose copy it is before a repair has made it that",
    invariant: 3,
    edits: [
      {
        file: "watch/supervisor.js",
        find: `if (!mustRepair && actual !== undefined) await this.#adopt(actual);`,
        replace: `if (actual !== undefined) await this.#adopt(actual);`,
      },
    ],
    // Only a death between the note and the end of that repair shows it, of a copy that retains: some milliseconds of a run.
    test: {
      file: "watch/distrust.test.js",
      name: "notes whose the copy is only once all that is not the bucket's is gone from the store",
    },
  },
  {
    id: "follower-goes-back-in-silence",
    wrong: "has a follower go back without a word",
    invariant: 6,
    needs: tries("rotting log"),
    edits: [
      {
        file: "replica/running-follower.js",
        find: `this.#wentBack += 1;`,
        replace: ``,
      },
    ],
  },
];
