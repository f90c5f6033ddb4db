import { setMaxListeners } from "node:events";

/** Lets any number of calls wait on the signal at a time, without the warning of a leak that Node gives from eleven on. */
export function allowManyListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}
