import { Diverged, isBucket } from "./claims.js";
import { type Bounds, happenings, type Move } from "./happenings.js";
import { replicaMoves } from "./replica-model.js";
import type { Model } from "./rules-in-play.js";
import { keyOf } from "./state-key.js";
import { emptyWorld, type State } from "./world.js";

export interface Found {
  readonly what: "diverged" | "never converges";
  /** What happened, in order. */
  readonly trace: readonly string[];
}

export interface Outcome {
  readonly states: number;
  /** The shortest history that shows something wrong; `undefined`: none does. */
  readonly found: Found | undefined;
}

/** One state that was reached: how, and what the replica does next if nothing else happens. */
interface Visit {
  readonly state: State;
  readonly name: string;
  readonly before: Visit | undefined;
  next: Visit | undefined;
  /** Whether the next step says that the copy is the bucket. */
  isLevel: boolean;
}

/**
 * Goes through every state that can be reached within the bounds, the nearest first. In each: what the replica says is true; and
 * when nothing happens any more it comes to be the bucket, and says so.
 */
export function explore(model: Model, bounds: Bounds): Outcome {
  const first = visit(emptyWorld(bounds.keys, bounds.scope !== undefined), "", undefined);
  const seen = new Map([[keyOf(first.state), first]]);
  // A map gives what is added while it is gone through.
  for (const at of seen.values()) {
    let own: Move[];
    try {
      own = replicaMoves(at.state, model, bounds);
    } catch (error) {
      if (!(error instanceof Diverged)) throw error;
      return found("diverged", seen.size, at);
    }
    const moves = [...own, ...happenings(at.state, bounds)];
    // Before the replica asks again, the bucket has dropped what is over.
    const expiry = own[0]?.name === "ask" ? moves.findIndex(({ name }) => EXPIRES.test(name)) : -1;
    for (const [index, { name, to }] of moves.entries()) {
      const key = keyOf(to);
      const known = seen.get(key) ?? visit(to, name, at);
      seen.set(key, known);
      if (index !== Math.max(expiry, 0) || own.length === 0) continue;
      at.next = known;
      at.isLevel = SAYING.has(name) && isLevel(to, model, bounds);
    }
  }
  const stuck = firstStuck(seen.values());
  return stuck === undefined
    ? { states: seen.size, found: undefined }
    : found("never converges", seen.size, stuck);
}

function visit(state: State, name: string, before: Visit | undefined): Visit {
  return { state, name, before, next: undefined, isLevel: false };
}

const EXPIRES = / expires$/;

/** Steps after which the replica may say that it is level. */
const SAYING: ReadonlySet<string> = new Set(["judge", "look", "level", "audit", "mend"]);

function isLevel(state: State, model: Model, bounds: Bounds): boolean {
  const { phase, count, audit } = state;
  const isDone = phase === "following" && count === undefined && audit === undefined;
  return isDone && isBucket(state, model, bounds);
}

/** The nearest of those from which the replica alone never comes to be level. */
function firstStuck(visits: Iterable<Visit>): Visit | undefined {
  const settled = new Set<Visit>();
  for (const start of visits) {
    const path = new Set<Visit>();
    let at: Visit | undefined = start;
    while (at !== undefined && !at.isLevel && !settled.has(at)) {
      if (path.has(at)) return start;
      path.add(at);
      at = at.next;
    }
    if (at === undefined) return start;
    for (const passed of path) settled.add(passed);
  }
  return undefined;
}

function found(what: Found["what"], states: number, last: Visit): Outcome {
  const trace: string[] = [];
  for (let at: Visit | undefined = last; at?.before !== undefined; at = at.before) {
    trace.unshift(at.name);
  }
  return { states, found: { what, trace } };
}
