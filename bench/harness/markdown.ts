import type { Machine } from "./machine.js";
import type { Metric, Part } from "./part.js";
import type { Figure, Summary, Verdict } from "./summary.js";

/** One part as a heading, a table and a list of targets, in Markdown that is aligned for a terminal too. */
export function partAsMarkdown(part: Part, summary: Summary): string {
  const head = [
    summary.part,
    ...part.metrics.map(({ name, unit }) => `${name}, ${unit}`),
    ...part.baselines.map((name) => `× ${name}`),
  ];
  const measured = summary.rows.filter(({ figures }) => Object.keys(figures).length > 0);
  const rows = measured.map((row) => [
    row.subject,
    ...part.metrics.map((metric) => cell(row.figures[metric.name], metric)),
    ...part.baselines.map((name) => ratio(row.ratios[name])),
  ]);
  return [`## ${summary.part}`, summary.about, table(head, rows), notes(summary), targets(summary)]
    .filter((text) => text !== "")
    .join("\n\n");
}

export function machineAsMarkdown(machine: Machine): string {
  return (
    `${machine.date}, commit ${machine.commit}, Node ${machine.node}, ${machine.system}, ` +
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB; load before: ${machine.loadBefore.toFixed(1)}. ` +
    `${machine.keys} keys, ${machine.runs} runs, seed ${machine.seed}.`
  );
}

/** The median, and from where to where the runs went. */
function cell(figure: Figure | undefined, { digits = 0 }: Metric): string {
  if (figure === undefined) return "–";
  const { median, values } = figure;
  if (values.length === 1) return median.toFixed(digits);
  const least = Math.min(...values).toFixed(digits);
  const most = Math.max(...values).toFixed(digits);
  return `${median.toFixed(digits)} (${least}–${most})`;
}

function ratio(value: number | undefined): string {
  if (value === undefined) return "–";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function verdictLine({ target, measured, met }: Verdict): string {
  if (measured === undefined || met === undefined) return `- not measured: ${target}`;
  const digits = measured >= 100 ? 0 : 2;
  return `- ${met ? "met" : "NOT MET"}: ${target}: ${measured.toFixed(digits)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((text, column) =>
      column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** Who is not in the table, those with one reason together. */
function notes({ rows }: Summary): string {
  const subjectsOf = new Map<string, string[]>();
  for (const { subject, without } of rows) {
    if (without === undefined) continue;
    subjectsOf.set(without, [...(subjectsOf.get(without) ?? []), subject]);
  }
  return [...subjectsOf].map(([why, subjects]) => `- ${subjects.join("; ")}: ${why}`).join("\n");
}

function targets(summary: Summary): string {
  return summary.targets.map(verdictLine).join("\n");
}
