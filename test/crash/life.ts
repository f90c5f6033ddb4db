import { setTimeout as delay } from "node:timers/promises";
import { WatchCursor } from "../../src/values/index.js";
import { startCli, type CliResult } from "../support/cli.js";
import { until } from "../support/until.js";
import type { Manner } from "./manner.js";
import type { MirrorProcess } from "./mirror-process.js";
import type { CopyOrder, MirrorOrder, Said } from "./orders.js";
import { demand, Violation } from "./violation.js";

/** Where in its life a mirror was killed. */
export const phases = ["open", "set-up", "fetching", "live", "close"] as const;
export type Phase = (typeof phases)[number];

/** What is known of a mirror's life once it is over. */
export interface Life {
  readonly phase: Phase;
  /** Whether it had caught up, and whether it had gone on from its position then. */
  readonly isReady: boolean;
  readonly isResumed: boolean;
  /** The furthest position that it said it had in its log. */
  readonly saidCursor: number;
  readonly compactions: number;
  /** At which of its operations it killed itself, if it did. */
  readonly operation: string | undefined;
  readonly pid: number;
  readonly said: readonly Said[];
}

/** From the order until it has caught up. */
const READY_MS = 60_000;
/** From then on until it has come to the operation at which it is to kill itself; then it is killed. */
const OPERATION_MS = 2_000;

/** Lets a process mirror, and kills it; resolves with the life of each of its copies. `begun` is called once it is at it. */
export async function liveAndDie(
  mirror: MirrorProcess,
  order: MirrorOrder,
  manner: Exclude<Manner, { readonly kind: "command line" }>,
  begun: () => void,
): Promise<Life[]> {
  const count = order.copies.length;
  const readyMs = READY_MS * order.patience;
  mirror.tell({ kind: "mirror", order });
  await mirror.heard("opening", count, readyMs);
  begun();
  if (manner.kind === "early") {
    await delay(manner.afterMs);
  } else if (await mirror.heard("ready", count, readyMs)) {
    if (manner.kind === "operation") await mirror.goneWithin(OPERATION_MS);
    else if (manner.kind === "recovered") await mirror.heardOf(endsIllness, readyMs);
    else await delay(manner.afterMs);
    if (manner.kind === "close") await closing(mirror, manner, count, readyMs);
  }
  await mirror.kill();
  return order.copies.map((_copy, index) =>
    lifeOf(
      mirror.pid,
      mirror.said.filter(({ copy }) => copy === index),
    ),
  );
}

export function couldNotConnect({ records }: CliResult): boolean {
  return records.some(({ code }) => code === "connection-failed");
}

function endsIllness(each: Said): boolean {
  return each.said === "violation" || (each.said === "recovered" && each.hadFailed);
}

async function closing(
  mirror: MirrorProcess,
  { thenMs, death }: Extract<Manner, { readonly kind: "close" }>,
  count: number,
  deadlineMs: number,
): Promise<void> {
  if (!mirror.isRunning) return;
  mirror.tell({ kind: "close" });
  await mirror.heard("closing", count, deadlineMs);
  if (death === undefined) await delay(thenMs);
  else await mirror.heard("closed", count, deadlineMs);
}

function lifeOf(pid: number, said: readonly Said[]): Life {
  const ready = said.find((each) => each.said === "ready");
  const dying = said.find((each) => each.said === "dying");
  // What it is ready at is readable, and not in the log yet where the disk is ill.
  const cursors = said.map((each) =>
    each.said === "at" || each.said === "opened" ? each.cursor : 0,
  );
  return {
    phase: phaseOf(new Set(said.map((each) => each.said))),
    isReady: ready !== undefined,
    isResumed: ready?.resumed === true,
    saidCursor: Math.max(0, ...cursors),
    compactions: said.filter((each) => each.said === "compacted").length,
    operation: dying === undefined ? undefined : `${dying.scene}: ${dying.operation}`,
    pid,
    said,
  };
}

function phaseOf(said: ReadonlySet<string>): Phase {
  if (said.has("closing")) return "close";
  if (said.has("ready")) return "live";
  if (said.has("fetching")) return "fetching";
  return said.has("opened") ? "set-up" : "open";
}

/** The same with one copy, and the command line as a user runs it; `undefined` where it ended since no server answered in time. */
export async function liveAndDieOnTheCommandLine(
  { bucket, servers, patience }: MirrorOrder,
  { path, format, durability }: CopyOrder,
  { isEarly, afterMs }: Extract<Manner, { readonly kind: "command line" }>,
): Promise<Life | undefined> {
  const store = ["--format", String(format), "--durability", durability];
  await using cli = startCli("mirror", bucket, "--to", path, "--nats", servers, "--json", ...store);
  const isReady = (): boolean => cli.records.some(({ event }) => event === "ready");
  const isOver = (): boolean => cli.child.exitCode !== null;
  if (!isEarly) await until("it is ready", () => isReady() || isOver(), READY_MS * patience);
  await delay(afterMs);
  if (isOver() && couldNotConnect(await cli.ended())) return undefined;
  demand(cli.child.exitCode === null, "wrong", `the mirror ended by itself: ${cli.stderr}`);
  cli.child.kill("SIGKILL");
  const { records } = await cli.ended();
  const bad = records.find(({ event }) => event === "error" || event === "log-repaired");
  if (bad !== undefined) throw new Violation("wrong", JSON.stringify(bad));
  const ready = records.find(({ event }) => event === "ready");
  const cursor = ready?.["cursor"];
  const opened = records.length > 0 ? ["opened"] : [];
  return {
    phase: phaseOf(new Set([...opened, ...(ready === undefined ? [] : ["ready"])])),
    isReady: ready !== undefined,
    isResumed: ready?.["resumed"] === true,
    saidCursor: Number(WatchCursor.fromHex(typeof cursor === "string" ? cursor : "").toU64() ?? 0n),
    compactions: 0,
    operation: undefined,
    pid: cli.child.pid ?? 0,
    said: records
      .filter(({ event }) => event === "repair")
      .map(({ reason }) => ({
        copy: 0,
        said: "event",
        type: "repair-started",
        text: String(reason),
      })),
  };
}
