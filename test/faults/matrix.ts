import { serverVersions } from "../support/nats-server.js";
import { loads, runCell, type Cell, type CellReport, type LoadName } from "./cell.js";
import { clusterFaults } from "./cluster-faults.js";
import { threeServers } from "./cluster.js";
import { faults } from "./faults.js";
import { scopes, type ScopeName } from "./scene.js";
import { singleServer } from "./site.js";

export interface CellResult {
  readonly cell: Cell;
  readonly report: CellReport;
}

/** Later than this is told, though nothing is wrong: noticed after the fault began, in sync again after it was over. */
const NOTICED_LATE_MS = 3_000;
const IN_SYNC_LATE_MS = 2_000;

/**
 * Every cell that a selection names: `fault:version:scope:load`, of which each part may be left out, several with commas
 * between them. Without a selection all that there are.
 */
export function cellsOf(selection: string | undefined, seed: number): Cell[] {
  const wanted = (selection ?? "").split(",").map((each) => each.split(":"));
  const isWanted = (...parts: readonly string[]): boolean =>
    wanted.some((each) =>
      parts.every((part, index) => (each[index] ?? "") === "" || part === each[index]),
    );
  const cells: Cell[] = [];
  for (const fault of [...faults, ...clusterFaults]) {
    for (const version of fault.versions ?? serverVersions) {
      const short = version.split(".").slice(0, 2).join(".");
      for (const scope of Object.keys(scopes) as ScopeName[]) {
        for (const load of Object.keys(loads) as LoadName[]) {
          const isOne = isWanted(fault.name, version, scope, load);
          if (isOne || isWanted(fault.name, short, scope, load)) {
            cells.push({ fault, version, scope, load, seed });
          }
        }
      }
    }
  }
  return cells;
}

/** Runs them one after the other. A cell that could not be brought about counts as a violation. */
export async function runCells(
  cells: readonly Cell[],
  onResult: (result: CellResult, done: number) => void,
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const cell of cells) {
    const report = await runOn(cell).catch((error: unknown): CellReport => ({
      difference: { missing: [], stale: [], wrong: [] },
      detectedMs: undefined,
      inSyncMs: undefined,
      untrueMs: 0,
      leaked: 0,
      peakMiB: 0,
      told: [],
      violations: [`could not be run: ${String(error)}`],
    }));
    const result = { cell, report };
    results.push(result);
    onResult(result, results.length);
  }
  return results;
}

async function runOn(cell: Cell): Promise<CellReport> {
  const { fault, version } = cell;
  return await runCell(cell, await (fault.cluster === true ? threeServers : singleServer)(version));
}

/** One line of the table. */
export function rowOf({ cell, report }: CellResult): string {
  const { fault, version, scope, load } = cell;
  const { difference, detectedMs, inSyncMs, untrueMs, leaked, peakMiB, violations } = report;
  const detected = fault.noticed ? shown(detectedMs, NOTICED_LATE_MS) : "-";
  const columns = [
    fault.name,
    version,
    scope,
    load,
    difference.missing.length,
    difference.stale.length,
    difference.wrong.length,
    detected,
    shown(inSyncMs, Math.max(IN_SYNC_LATE_MS, fault.blindMs ?? 0)),
    (untrueMs / 1000).toFixed(2),
    leaked,
    peakMiB,
    violations.length === 0 ? "" : "**FAILS**",
  ];
  return `| ${columns.join(" | ")} |`;
}

const titles = [
  "fault",
  "server",
  "scope",
  "traffic",
  "missing",
  "stale",
  "wrong",
  "detected, s",
  "in sync, s",
  "untrue claim, s",
  "leaked",
  "peak MiB",
  "",
];
export const tableHead = `| ${titles.join(" | ")} |\n|${titles.map(() => " --- ").join("|")}|`;

/** Each violation with what it takes to see it again. */
export function complaintsOf(results: readonly CellResult[]): string[] {
  return results.flatMap(({ cell, report }) =>
    report.violations.map((violation) => {
      const { fault, version, scope, load, seed } = cell;
      return `--seed ${seed} --only ${fault.name}:${version}:${scope}:${load}: ${violation}`;
    }),
  );
}

function shown(ms: number | undefined, lateMs: number): string {
  if (ms === undefined) return "never";
  return `${(ms / 1000).toFixed(2)}${ms > lateMs ? " (late)" : ""}`;
}
