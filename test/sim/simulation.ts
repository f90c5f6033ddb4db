import { nextTurn } from "../../src/platform/index.js";
import { ActionSource } from "./actions.js";
import type { Action, ClosingDeed } from "./deed.js";
import { configOf, type SimConfig } from "./config.js";
import { act } from "./deeds.js";
import { Machine } from "./machine.js";
import { Trace } from "./trace.js";
import { type Violation, World } from "./world.js";

/** Turns of the event loop after each step: what is done in slices goes on while time passes. */
const TURNS = 2;
/** Turns after the last step of a stretch, so that what needs no time comes to its end. */
const TURNS_AT_END = 64;
/** Within which the copy must be the bucket once all faults have ended, in virtual milliseconds. */
const CONVERGES_MS = 90_000;
/** Longer than anything takes of a disk. */
const LET_GO_MS = 10_000;
/** Within which whoever calls while nothing is wrong is answered. */
const ANSWERED_MS = 30_000;
/** Between two looks whether it is. */
const LOOK_MS = 250;

/** What to run: all of it is in here, so that it runs the same again. */
export interface Script {
  readonly seed: number;
  readonly config: SimConfig;
  readonly actions: readonly Action[];
  /** Done once the copy has become the bucket; then it must become it again. */
  readonly closing?: readonly ClosingDeed[];
  /** When the faults end and the copy is given time to converge, in virtual milliseconds. */
  readonly endsAt: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly steps: number;
  /** The same wherever and whenever it is run. */
  readonly hash: string;
  readonly violation: Violation | undefined;
  /** What was done, to be run again by {@link replayScript}. */
  readonly script: Script;
  /** Virtual milliseconds that all of it took, and those of them after the faults had ended. */
  readonly virtualMs: number;
  readonly convergedMs: number;
  /** How many of the actions found a keeper that is open, and one that is live. */
  readonly openActions: number;
  readonly liveActions: number;
}

export interface SimulationOptions {
  readonly onTrace?: (line: string) => void;
}

/** Runs a seed for so many steps, then ends the faults and lets the copy converge. A step: an action, or a timer that fires. */
export function runSimulation(
  seed: number,
  steps: number,
  options: SimulationOptions = {},
): Promise<SimulationResult> {
  const config = configOf(seed);
  const source = new ActionSource(seed, config);
  const next = (): Action => source.next();
  return run(
    { seed, config, steps, next, closing: () => source.closing(), endsAt: Infinity },
    options,
  );
}

/** Runs what a script says. */
export function replayScript(
  script: Script,
  options: SimulationOptions = {},
): Promise<SimulationResult> {
  const { seed, config, endsAt, closing = [] } = script;
  let index = 0;
  const next = (): Action | undefined => script.actions[index++];
  return run({ seed, config, steps: Infinity, next, closing: () => closing, endsAt }, options);
}

interface Plan {
  readonly seed: number;
  readonly config: SimConfig;
  readonly steps: number;
  readonly next: () => Action | undefined;
  readonly closing: () => readonly ClosingDeed[];
  readonly endsAt: number;
}

async function run(plan: Plan, { onTrace }: SimulationOptions): Promise<SimulationResult> {
  const trace = new Trace(onTrace);
  const world = new World(plan.seed, plan.config, trace);
  const machine = new Machine(world);
  const actions: Action[] = [];
  await world.begin();
  machine.begin();
  let isActing = true;
  let openActions = 0;
  let liveActions = 0;
  const actNext = (): void => {
    const action = plan.next();
    if (action === undefined) return;
    world.clock.schedule(Math.max(0, world.startedAt + action.at - world.now()), () => {
      if (!isActing) return;
      actions.push(action);
      const { replica } = machine.keeper ?? {};
      if (replica !== undefined) openActions += 1;
      if (replica?.status().state === "live") liveActions += 1;
      trace.add(`${action.at} ${JSON.stringify(action)}`);
      void act(world, machine, action);
      actNext();
    });
  };
  actNext();
  const endsAt = world.startedAt + plan.endsAt;
  const mayGoOn = (): boolean => world.violation === undefined && world.step < plan.steps;
  while (mayGoOn() && (world.clock.nextDue ?? Infinity) <= endsAt) await step(world, machine);
  isActing = false;
  const endedAt = world.now();
  if (world.violation === undefined) await converge(world, machine);
  const closing = plan.closing();
  if (world.violation === undefined && closing.length > 0) await close(world, machine, closing);
  if (world.violation === undefined) await askAll(world, machine);
  machine.end();
  await letGo(world);
  return {
    seed: plan.seed,
    steps: world.step,
    hash: trace.hash,
    violation: world.violation,
    script: {
      seed: plan.seed,
      config: plan.config,
      actions,
      closing,
      endsAt: endedAt - world.startedAt,
    },
    virtualMs: world.now() - world.startedAt,
    convergedMs: world.now() - endedAt,
    openActions,
    liveActions,
  };
}

async function close(
  world: World,
  machine: Machine,
  closing: readonly ClosingDeed[],
): Promise<void> {
  for (const deed of [...closing, { do: "converge" } as const]) {
    if (world.violation !== undefined) return;
    world.trace.add(`closing ${JSON.stringify(deed)}`);
    if (deed.do === "wait") await wait(world, machine, deed.ms);
    else if (deed.do !== "converge") {
      await act(world, machine, deed);
      // Else what is on its way would seem to have been held up for as long as the clock jumps with the next step.
      await pass(TURNS);
    } else {
      await step(world, machine);
      await converge(world, machine);
    }
  }
}

async function wait(world: World, machine: Machine, ms: number): Promise<void> {
  const until = world.now() + ms;
  // So that there is a next step at all.
  world.clock.schedule(ms, () => undefined);
  while (world.violation === undefined && world.now() < until) await step(world, machine);
}

/** Whoever calls while nothing is wrong is answered. */
async function askAll(world: World, machine: Machine): Promise<void> {
  const asked = { isAnswered: false };
  void machine.keeper
    ?.caller()
    ?.askAll()
    .finally(() => {
      asked.isAnswered = true;
    });
  const until = world.now() + ANSWERED_MS;
  world.clock.schedule(ANSWERED_MS, () => undefined);
  while (world.violation === undefined && !asked.isAnswered && world.now() < until) {
    await step(world, machine);
  }
  world.found("9 calls come to their end", asked.isAnswered ? undefined : "one did not");
}

/** What waits for a disk must learn that its process is dead: else it holds this process up for ever. */
async function letGo({ clock }: World): Promise<void> {
  const until = clock.now() + LET_GO_MS;
  while ((clock.nextDue ?? Infinity) <= until) {
    clock.runNext();
    await nextTurn();
  }
  await pass(TURNS_AT_END);
}

async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}

async function step(world: World, machine: Machine): Promise<void> {
  world.step += 1;
  const before = world.now();
  world.clock.runNext();
  await pass(TURNS);
  if (world.now() !== before) world.trace.add(`${world.step} ${world.now() - world.startedAt}`);
  machine.check(false);
}

/** Nothing is wrong any more: the copy must become the bucket, and say so. */
async function converge(world: World, machine: Machine): Promise<void> {
  world.calm();
  machine.startAll();
  // A log that went bad under its writer is put right when it is opened next.
  if (world.illsSince.rots > 0) machine.kill(0);
  const until = world.now() + CONVERGES_MS + 80 * world.config.replica.countIntervalMs;
  let isLooked = false;
  let problem: string | undefined = "it never looked";
  const look = (): void => {
    isLooked = true;
    world.clock.schedule(LOOK_MS, look);
  };
  look();
  while (world.violation === undefined && world.now() < until) {
    await step(world, machine);
    if (!isLooked) continue;
    isLooked = false;
    machine.check(true);
    problem = machine.difference();
    if (problem === undefined) return;
  }
  world.found("converges once nothing fails any more", problem);
}
