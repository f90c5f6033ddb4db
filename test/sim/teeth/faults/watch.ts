import type { Fault } from "../fault.js";
import { dropsOldest, isMadeAgain, tries } from "../needs.js";

/** Of the watch: the order of things, repairs, counts and audits. */
export const watchFaults: readonly Fault[] = [
  {
    id: "cursor-before-apply",
    wrong: "moves the position before the updates are applied",
    invariant: 1,
    edits: [
      {
        file: "watch/flusher.js",
        find: `if (parsed.length > 0) await apply(parsed); if (raw.length > 0 || !position.cursor.equals(writer.position.cursor)) { await writer.submit(raw, position); }`,
        replace: `if (raw.length > 0 || !position.cursor.equals(writer.position.cursor)) { await writer.submit(raw, position); } if (parsed.length > 0) await apply(parsed);`,
      },
    ],
  },
  {
    id: "resume-one-too-far",
    wrong: "resumes one record after the one that comes next",
    invariant: 1,
    edits: [
      {
        file: "watch/supervisor.js",
        find: `const watch = await this.#open(from.cursor);`,
        replace: `const next = from.cursor.constructor.fromU64(from.cursor.toU64() + 1n); const watch = await this.#open(next).catch(() => this.#open(from.cursor));`,
      },
    ],
  },
  {
    id: "position-kept-in-repair",
    wrong: "keeps the position on the disk while a repair is under way",
    invariant: 3,
    needs: isMadeAgain,
    edits: [
      {
        file: "watch/supervisor.js",
        find: `await lane.run(() => writer.withdraw());`,
        replace: ``,
      },
    ],
  },
  {
    id: "sweep-before-completion",
    wrong: "removes what a repair has not seen before the repair has seen everything",
    invariant: 3,
    edits: [
      {
        file: "watch/sync-stage.js",
        find: `if (batch.caughtUp) await this.#complete();`,
        replace: `await this.#complete();`,
      },
    ],
  },
  {
    id: "repair-keeps-vanished",
    wrong: "keeps in a repair what the bucket no longer has",
    invariant: 3,
    edits: [
      {
        file: "watch/sync-stage.js",
        find: `? await this.#unseen() : [];`,
        replace: `? [] : [];`,
      },
    ],
  },
  {
    id: "floor-ignored",
    wrong: "keeps what lies below the bucket's oldest record",
    invariant: 3,
    needs: dropsOldest,
    edits: [
      {
        file: "watch/floor-sweep.js",
        find: `if (!this.#copy.hasEntries) return false;`,
        replace: `return false;`,
      },
    ],
  },
  {
    id: "floor-after-position",
    wrong: "takes the position before what a floor leaves behind is removed",
    invariant: 3,
    edits: [
      {
        file: "watch/follow-stage.js",
        find: `const removals = await floors.find(`,
        replace: `await flusher.commit(changes, position); const removals = await floors.find(`,
      },
    ],
    // Each watch of a bucket in the process tells its floor anew, so that a crash between the two costs nothing.
    test: {
      file: "watch/floor.test.js",
      name: "sweeps what is older before its position is taken, and nothing is ahead of that",
    },
  },
  {
    id: "audit-judges-early",
    wrong: "has an audit judge before the flow has brought what was listed",
    invariant: 3,
    edits: [
      {
        file: "watch/audit.js",
        find: `const hasPassed = () => {`,
        replace: `return true; const hasPassed = () => {`,
      },
    ],
    // What it would mend is mended only as far as the flow has come, and has not touched it.
    test: {
      file: "watch/audit.test.js",
      name: "judges only once the flow has come as far as the bucket was when it was listed",
    },
  },
  {
    id: "sweep-passes-for-flow",
    wrong:
      "has an audit leave to the flow what a floor swept meanwhile, of which the flow brings nothing",
    invariant: 3,
    edits: [
      {
        file: "watch/follow-stage.js",
        find: `known.noteSwept(raw);`,
        replace: `known.note(raw);`,
      },
    ],
    // A simulated line ends a watch whose bucket is rolled back; the source for NATS may go on with it.
    test: {
      file: "watch/audit-beside-flow.test.js",
      name: "brings what a floor swept meanwhile, of which the bucket has another record behind the position",
    },
  },
  {
    id: "never-audits-by-itself",
    wrong: "audits only where something gives cause",
    invariant: 3,
    edits: [
      {
        file: "watch/checks.js",
        find: `steadyNow(clock) >= (this.#auditDueAt ?? Infinity)`,
        replace: `false`,
      },
    ],
    // It takes several losses that leave the number of keys what it was: the simulator had them once in a thousand long seeds.
    test: {
      file: "watch/audit-pace.test.js",
      name: "comes once a day, and finds the losses that left the number of keys what it was",
    },
  },
  {
    id: "audit-mends-with-old",
    wrong: "has an audit apply what it fetched although the flow has brought something newer since",
    invariant: 3,
    edits: [
      {
        file: "watch/audit.js",
        find: `return update !== undefined && suspect !== undefined && !touched.has(suspect.key);`,
        replace: `return update !== undefined;`,
      },
      {
        file: "watch/audit.js",
        find: `const judge = (key, held, record) => { if (touched.has(key)) return;`,
        replace: `const judge = (key, held, record) => {`,
      },
    ],
  },
  {
    id: "audit-of-former-making",
    wrong: "has an audit mend a copy by another making of its bucket",
    invariant: 3,
    edits: [
      {
        file: "watch/audit.js",
        find: `if (origin.refusal(facts, writer.position.cursor) === "foreign-cursor") {`,
        replace: `if (facts === undefined) {`,
      },
    ],
    // Mended by all of the new making's records the copy is that making's: only between two rounds of mending is it neither.
    test: {
      file: "watch/audit.test.js",
      name: "of a bucket that has been made again meanwhile fails, and mends nothing",
    },
  },
  {
    id: "count-proves-after-resume",
    wrong: "takes the removals that it knows for all there are, although it has resumed",
    invariant: 3,
    needs: tries("lost in silence"),
    edits: [
      {
        file: "watch/known-keys.js",
        find: `return { sure, unsure, isExact: this.#isExact };`,
        replace: `return { sure, unsure, isExact: true };`,
      },
    ],
  },
  {
    id: "distrust-ignored",
    wrong: "counts where nothing but an audit can tell what was lost",
    invariant: 3,
    edits: [
      {
        file: "watch/checks.js",
        find: `distrust() { this.#isAuditDue = true;`,
        replace: `distrust() {`,
      },
    ],
    // Where it is distrusted a count proves nothing or differs, in all that a simulation loses, and has it audited too.
    test: {
      file: "watch/distrust.test.js",
      name: "audits where markers may have gone meanwhile",
    },
  },
  {
    id: "checks-never-run",
    wrong: "neither counts nor audits",
    invariant: 3,
    needs: tries("lost in silence"),
    edits: [
      {
        file: "watch/checks.js",
        find: `async #check() {`,
        replace: `async #check() { return true;`,
      },
    ],
  },
  {
    id: "line-back-not-checked",
    wrong: "takes a copy for checked although the line was lost since",
    invariant: 3,
    needs: tries("lost in silence"),
    edits: [
      {
        file: "watch/checks.js",
        find: `this.#isHurried = true; this.#isOpen = true;`,
        replace: ``,
      },
    ],
  },
  {
    id: "folded-word-loses-updates",
    wrong: "drops the updates that wait when a word without any comes after them",
    invariant: 1,
    needs: tries("late words"),
    edits: [
      {
        file: "watch/update-queue.js",
        find: `...empty, updates: first.updates,`,
        replace: `...empty, updates: first.updates.slice(0, 1),`,
      },
    ],
  },
  {
    id: "queue-without-bound",
    wrong: "takes from the source whatever it has",
    invariant: 8,
    needs: tries("stalled"),
    edits: [
      {
        file: "watch/update-queue.js",
        find: `return this.#size >= this.#capacity || this.#bytes >= this.#maxBytes;`,
        replace: `return this.#size < 0;`,
      },
    ],
  },
];
