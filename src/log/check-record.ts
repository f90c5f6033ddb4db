import { InvalidFormatError } from "../errors/index.js";
import type { KvEntry, KvUpdate } from "../values/index.js";
import { KEY_BYTES_MAX, UTF8_BYTES_PER_UNIT_MAX, VALUE_BYTES_MAX } from "./format.js";

/** Throws `invalid-format` for an update that no log can hold. */
export function checkUpdate(update: KvUpdate): void {
  if (update.kind === "put") checkEntry(update);
  else checkLoggedKey(update.key);
}

/** As {@link checkUpdate}, for the put of this entry. */
export function checkEntry({ key, value }: KvEntry): void {
  checkLoggedKey(key);
  if (value.length > VALUE_BYTES_MAX) {
    throw new InvalidFormatError(
      `a log cannot hold a value of ${value.length} bytes: ${VALUE_BYTES_MAX} at most`,
    );
  }
}

function checkLoggedKey(key: string): void {
  if (!key.isWellFormed()) {
    throw new InvalidFormatError(
      `a log cannot hold a key with half a surrogate pair: ${JSON.stringify(key)}`,
    );
  }
  if (key.length * UTF8_BYTES_PER_UNIT_MAX <= KEY_BYTES_MAX) return;
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes > KEY_BYTES_MAX) {
    throw new InvalidFormatError(
      `a log cannot hold a key of ${keyBytes} bytes: ${KEY_BYTES_MAX} at most`,
    );
  }
}
