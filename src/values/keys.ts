import { MillpondError } from "../errors/index.js";

const LEGAL = /^[-/=.\w]+$/;
const KEY_HINT =
  'Keys are one or more of A-Z a-z 0-9 - _ / = and ".", without an empty part between dots.';

/**
 * Throws `invalid-key` unless a NATS server and its clients accept `key` for writing. Reads are wider: a raw publisher
 * can store any legal subject (seen with `ü` on 2.10 and 2.15), and such keys are taken as they come.
 */
export function checkKey(key: string): void {
  if (!LEGAL.test(key) || key.split(".").includes("")) {
    throw new MillpondError("invalid-key", `not a legal key: ${JSON.stringify(key)}`, {
      hint: KEY_HINT,
    });
  }
}

/**
 * Throws `invalid-key` unless some key could start with `prefix`. The empty prefix is every key. Wildcards, white space
 * and empty parts cannot occur in a key; other characters can (see {@link checkKey}) and are let through.
 */
export function checkPrefix(prefix: string): void {
  if (
    /[*>\s\0]/.test(prefix) ||
    prefix.startsWith(".") ||
    prefix.includes("..") ||
    !prefix.isWellFormed()
  ) {
    throw new MillpondError("invalid-key", `no key can start with ${JSON.stringify(prefix)}`, {
      hint: 'A prefix is plain text, without wildcards: "edge." means every key that starts with those characters.',
    });
  }
}

/**
 * Throws `invalid-key` unless `key` can be asked for: keys can be read that {@link checkKey} refuses for writing, such as `ü` or
 * `a*b`, but not a subject that no server takes, or one that stands for several keys (a part that is `*` or `>`).
 */
export function checkReadableKey(key: string): void {
  const parts = key.split(".");
  const stands = parts.includes("*") || parts.includes(">");
  if (!stands && !parts.includes("") && !/[\s\0]/.test(key) && key.isWellFormed()) return;
  throw new MillpondError("invalid-key", `not a key: ${JSON.stringify(key)}`, { hint: KEY_HINT });
}
