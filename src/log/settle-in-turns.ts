import type { Arena } from "../kernel/index.js";
import { nextTurn } from "../platform/index.js";

/** Keys put into order between two turns of the event loop: about a millisecond. */
const KEYS_A_TURN = 1000;

/** Puts all keys that wait into order, also those that come meanwhile, giving way to other work. */
export async function settleInTurns(arena: Pick<Arena, "settle">): Promise<void> {
  while (!arena.settle(KEYS_A_TURN)) await nextTurn();
}
