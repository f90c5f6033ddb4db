import type { Fault } from "../fault.js";
import { isMadeAgain, tries } from "../needs.js";

/** Of the rules that decide what may be believed. */
export const ruleFaults: readonly Fault[] = [
  {
    id: "clamp-not-checked",
    wrong: "resumes although what came after the position has been dropped",
    invariant: 3,
    edits: [
      {
        file: "rules/stream-window.js",
        find: `return window.firstSequence <= revision + 1n && revision <= window.lastSequence;`,
        replace: `return revision <= window.lastSequence;`,
      },
    ],
    // The floor that each watch tells takes out what was dropped.
    test: {
      file: "rules/stream-window.test.js",
      name: "is sound exactly from the one before the first record to the last",
    },
  },
  {
    id: "past-the-end-resumed",
    wrong: "resumes at a position that the stream has never reached",
    invariant: 3,
    needs: tries("made again"),
    edits: [
      {
        file: "rules/stream-window.js",
        find: `return window.firstSequence <= revision + 1n && revision <= window.lastSequence;`,
        replace: `return window.firstSequence <= revision + 1n;`,
      },
    ],
  },
  {
    id: "making-not-checked",
    wrong: "resumes in a bucket that was made again under its name",
    invariant: 3,
    needs: isMadeAgain,
    edits: [
      {
        file: "rules/may-resume.js",
        find: `if (stored.created !== actual.created) return "bucket-recreated";`,
        replace: ``,
      },
    ],
  },
  {
    id: "roll-back-not-noticed",
    wrong: "resumes at a record that is another one now",
    invariant: 3,
    needs: tries("made again"),
    edits: [
      {
        file: "rules/rolled-back.js",
        find: `return BigInt(Math.floor(record.timeMs)) !== positionTimeNs / 1000000n;`,
        replace: `return false;`,
      },
    ],
  },
  {
    id: "backing-not-checked",
    wrong: "resumes although the records that there are cannot account for the copy",
    invariant: 3,
    edits: [
      {
        file: "rules/copy-backing.js",
        find: `if (copy.keys === 0) return true;`,
        replace: `return true;`,
      },
    ],
    // The check after a resume finds the same loss before anything is claimed.
    test: {
      file: "rules/copy-backing.test.js",
      name: "is denied to a copy with keys exactly where it has more of them than records, or all are newer",
    },
  },
  {
    id: "markers-always-outlast",
    wrong: "takes every removal to have left a marker, however long the copy was away",
    invariant: 3,
    edits: [
      {
        file: "rules/markers.js",
        find: `if (limits === undefined) return false;`,
        replace: `return true;`,
      },
    ],
    // The check that a resume asks for anyway is a count, which differs.
    test: {
      file: "watch/distrust.test.js",
      name: "audits where markers may have gone meanwhile",
    },
  },
  {
    id: "same-by-version-alone",
    wrong: "takes a record of the same version for the same record",
    invariant: 3,
    needs: isMadeAgain,
    edits: [
      {
        file: "rules/same-record.js",
        find: `if (!sameMark(held, delivered) || held.value.length !== delivered.value.length) return false;`,
        replace: `return !held.version.isUnknown && held.version.equals(delivered.version);`,
      },
    ],
  },
  {
    id: "count-always-equal",
    wrong: "finds that every count agrees",
    invariant: 3,
    needs: tries("lost in silence"),
    edits: [
      {
        file: "rules/count.js",
        find: `if (records < before.sure) return "differs";`,
        replace: `return "equal";`,
      },
    ],
  },
  {
    id: "behind-flow-always",
    wrong: "applies a record that was fetched although the flow has yet to bring it",
    invariant: 3,
    edits: [
      {
        file: "rules/audit.js",
        find: `return !version.isUnknown && !isOlder(position, version);`,
        replace: `return true;`,
      },
    ],
    // The key goes forward, back and forward again, and nothing between two moments tells which came first.
    test: {
      file: "watch/audit-beside-flow.test.js",
      name: "leaves to the flow a record that is newer than its position",
    },
  },
  {
    id: "later-cursor-by-length",
    wrong: "takes the position that it received last for the later one",
    invariant: 1,
    edits: [
      {
        file: "rules/cursor-order.js",
        find: `return current.isBelow(received) ? received : current;`,
        replace: `return received;`,
      },
    ],
  },
];
