import { isMillpondError } from "../../src/errors/index.js";

/** The code of an error of ours; of any other all that it says. */
export function codeOf(error: unknown): string {
  return isMillpondError(error) ? error.code : String(error);
}
