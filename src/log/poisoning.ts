import { MillpondError, type IoError } from "../errors/index.js";
import type { MovedAwayError } from "./in-place.js";

/** Why a writer takes nothing more, and what to do. */
export interface Poisoning {
  readonly cause: unknown;
  readonly what: string;
  readonly hint: string | undefined;
}

export function byFailedWrite(cause: unknown): Poisoning {
  return {
    cause,
    what: "a failed write could not be taken back",
    hint: "Close it and open it again: the torn end is cut off, and nothing acknowledged is lost.",
  };
}

/** Never tried again on the same file: the system may have dropped the pages that it could not write, and say so only once. */
export function byFailedSync(cause: IoError): Poisoning {
  return {
    cause,
    what: "a sync failed, so what was written since the last one may not be on the disk",
    hint: "Look at the system's log. Then close it and open it again, or rewrite it from memory.",
  };
}

export function byMove(cause: MovedAwayError): Poisoning {
  return { cause, what: "its file was moved, removed or replaced", hint: cause.hint };
}

export function poisonedError(path: string, { what, cause, hint }: Poisoning): MillpondError {
  return new MillpondError("poisoned", `${path}: ${what}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
