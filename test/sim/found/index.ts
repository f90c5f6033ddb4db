/** A script of what the simulator once found, in a file of this name beside this one. */
export type Found = { readonly script: string } & (
  | {
      /** With this in the code its replay must find something: a deliberate fault, or what undoes the mend. */
      readonly bites: string;
    }
  | {
      /** Why there is no such thing. */
      readonly reason: string;
    }
);

const MISSED =
  "undone, its mend is missed by no replay of it, nor of some hundred like it with other delays";
/** All of them. */
export const found: readonly Found[] = [
  { script: "asof-of-a-file-beside-half-a-fill", bites: "seen-kept-while-filling" },
  { script: "asof-of-a-file-from-before-a-set-back", bites: "file-not-set-back" },
  { script: "asof-of-a-word-from-before-a-set-back", bites: "moment-not-set-back" },
  { script: "asof-of-a-word-that-waited", bites: "as-of-when-written" },
  { script: "batch-while-a-slice-of-a-dump-is-handed-on", bites: "slice-not-copied" },
  { script: "caught-up-while-the-line-was-lost", bites: "old-word-believed" },
  { script: "header-lost-with-the-power", bites: "header-not-synced" },
  { script: "live-of-another-history", bites: "live-of-unknown-history" },
  { script: "rename-that-failed-and-took-effect", bites: "failed-rename-did-nothing" },
  { script: "retained-although-deleted-after-a-roll-back", bites: "audit-retains-deleted" },
  { script: "retained-from-before-two-roll-backs", bites: "judge-forgets-earlier-roll-backs" },
  { script: "retained-what-a-roll-back-took", bites: "judge-has-roll-backs-take" },
  { script: "swept-although-another-history-may-have-it", bites: "floor-of-unknown-history" },
  { script: "sync-of-a-poisoned-log", bites: "sync-does-not-heal" },
  { script: "asof-before-anything-was-looked-for", reason: MISSED },
  { script: "audit-of-a-rolled-back-bucket", bites: "audit-of-a-rolled-back-bucket" },
  {
    script: "audit-of-another-making",
    reason:
      "mended by all of the new making's records the copy is that making's: a test of the watch has what lies between two rounds of mending",
  },
  { script: "header-given-up-by-a-failed-sync", reason: MISSED },
  { script: "live-by-a-position-of-before-the-audit", bites: "position-timed-before-audit" },
  { script: "made-again-between-asking-and-watching", bites: "not-asked-again" },
  { script: "note-of-another-making-beside-a-damaged-log", bites: "note-kept-after-damage" },
  {
    script: "retained-although-deleted-before-it-was-lost",
    reason:
      "the judge, which had been too strict, forgives it for another reason by now, or the copy has lost it",
  },
  { script: "retained-although-it-was-replaced-while-away", bites: "judge-has-expiries-told" },
  { script: "retained-while-an-older-one-came-to-light", bites: "judge-has-expiries-take" },
];
