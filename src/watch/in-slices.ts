import { type Clock, nextTurn } from "../platform/index.js";

/** Items between two looks at the clock: a fraction of a millisecond. */
const BETWEEN_LOOKS = 256;
/** Items that one turn of the event loop takes at most, whatever the clock says. */
const MOST_A_TURN = 4096;
const LONGEST_TURN_MS = 4;

/** Visits all items, giving way to other work every few milliseconds. An abort throws the signal's reason. */
export async function inSlices<T>(
  items: Iterable<T>,
  clock: Clock,
  signal: AbortSignal,
  visit: (item: T) => void,
): Promise<void> {
  let inTurn = 0;
  let turnBegan = clock.now();
  for (const item of items) {
    visit(item);
    inTurn += 1;
    if (inTurn % BETWEEN_LOOKS !== 0) continue;
    if (inTurn < MOST_A_TURN && clock.now() - turnBegan < LONGEST_TURN_MS) continue;
    await nextTurn();
    signal.throwIfAborted();
    inTurn = 0;
    turnBegan = clock.now();
  }
}
