import type { Random } from "../platform/index.js";
import { SALT_BYTES } from "./codec.js";

/** For a new file: no two files of a place must have the same. */
export function newSalt(random: Random): Uint8Array {
  return Uint8Array.from({ length: SALT_BYTES }, () => Math.floor(random() * 256));
}
