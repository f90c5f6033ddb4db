import type { Row } from "./campaign.js";
import { phases } from "./life.js";
import { Tally } from "./tally.js";
import { violationKinds } from "./violation.js";

const titles = [
  "server",
  "format",
  "durability",
  "disk",
  "kills",
  ...phases.map((phase) => `in ${phase}`),
  "in a compaction",
  "at its rename",
  "compactions",
  "resumed",
  "filled",
  "updates",
  "followers' looks",
  "loads",
  "jumps",
  "taken back",
  "behind, s",
  "illnesses",
  "faults",
  "failing, s",
  "taken meanwhile",
  "recovered, s",
  ...violationKinds,
  "",
];

/** What was done and what came of it: a line for each kind of copy, and one for all. */
export function tableOf(rows: readonly Row[]): string {
  const all = new Tally();
  for (const { tally } of rows) all.join(tally);
  const lines = rows.map(({ server, format, durability, isSick, tally }) =>
    lineOf([server, format, durability, isSick ? "ill" : "well"], tally),
  );
  const head = `| ${titles.join(" | ")} |\n|${titles.map(() => " --- ").join("|")}|`;
  return [head, ...lines, lineOf(["all", "", "", ""], all)].join("\n");
}

function lineOf(kind: readonly unknown[], tally: Tally): string {
  const { followers, violations } = tally;
  const found = violationKinds.map((each) => violations[each]);
  const columns = [
    ...kind,
    tally.kills,
    ...phases.map((phase) => tally.phases[phase]),
    tally.compacting,
    tally.renaming,
    tally.compactions,
    tally.resumes,
    tally.fills,
    tally.written,
    followers.looks,
    followers.loads,
    followers.jumps,
    followers.wentBack,
    seconds(followers.catchUpMs),
    tally.illnesses,
    tally.faults,
    seconds(tally.failingMs),
    tally.tookMeanwhile,
    seconds(tally.recoveryMs),
    ...found,
    found.some((count) => count > 0) ? "**FAILS**" : "",
  ];
  return `| ${columns.join(" | ")} |`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
