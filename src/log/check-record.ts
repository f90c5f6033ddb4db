import { inspect } from "node:util";
import { isUint8Array } from "node:util/types";
import { InvalidFormatError, MillpondError } from "../errors/index.js";
import { VersionToken, WatchCursor, type KvEntry, type KvUpdate } from "../values/index.js";
import { KEY_BYTES_MAX, UTF8_BYTES_PER_UNIT_MAX, VALUE_BYTES_MAX } from "./limits.js";

/**
 * Throws `invalid-format` for an update that no log can hold, and `invalid-argument` for what is none: types do not keep a
 * JavaScript caller from handing over a string as a value, and an update of an unknown kind would be a delete.
 */
export function checkUpdate(update: KvUpdate): void {
  const { kind } = update;
  if (kind === "put") checkEntry(update);
  else if (kind === "delete" || kind === "purge") checkKeyAndVersion(update);
  else throw notA("an update's kind", '"put", "delete" or "purge"', kind);
}

/** As {@link checkUpdate}, for the put of this entry. */
export function checkEntry(entry: KvEntry): void {
  checkKeyAndVersion(entry);
  const { value } = entry;
  // Not by `instanceof`: in a test runner's sandbox there is another `Uint8Array`.
  if (!isUint8Array(value)) throw notA("a value", "a Uint8Array", value);
  if (value.length > VALUE_BYTES_MAX) {
    throw new InvalidFormatError(
      `a log cannot hold the value of ${JSON.stringify(entry.key)}: it has ${value.length} bytes, ${VALUE_BYTES_MAX} is the most`,
    );
  }
}

/** Throws `invalid-argument` for what is no cursor. */
export function checkCursor(cursor: WatchCursor): void {
  if (!(cursor instanceof WatchCursor)) throw notA("a cursor", "a WatchCursor", cursor);
}

/** Throws `invalid-argument` unless `bytes` is 0 or more; infinity is. */
export function checkByteCount(name: string, bytes: number): void {
  if (typeof bytes !== "number" || !(bytes >= 0)) throw notA(name, "0 or more bytes", bytes);
}

/** Throws `invalid-argument` unless `value` is left out or one of these. */
export function checkChoice(name: string, value: unknown, choices: readonly unknown[]): void {
  if (value === undefined || choices.includes(value)) return;
  throw notA(name, choices.map((choice) => JSON.stringify(choice)).join(" or "), value);
}

/** Throws `invalid-argument` for what is no path. */
export function checkPath(path: string): void {
  if (typeof path !== "string" || path === "") throw notA("path", "a file's name", path);
}

function checkKeyAndVersion({ key, version }: KvUpdate | KvEntry): void {
  if (typeof key !== "string") throw notA("a key", "a string", key);
  if (!(version instanceof VersionToken)) throw notA("a version", "a VersionToken", version);
  checkLoggedKey(key);
}

function notA(what: string, wanted: string, found: unknown): MillpondError {
  const shown = inspect(found, { depth: 0, maxStringLength: 40, maxArrayLength: 3 });
  return new MillpondError("invalid-argument", `${what} must be ${wanted}, not ${shown}`);
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
