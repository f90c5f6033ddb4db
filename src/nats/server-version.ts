import { MillpondError } from "../errors/index.js";

/** Major and minor version; a patch or a suffix (`-beta.1`, `-dev`) never decides what a server can do. */
export type ServerVersion = readonly [major: number, minor: number];

/** Servers before this lose updates without a sign: 2.9 skips pending messages of other keys when one is purged. */
const OLDEST: ServerVersion = [2, 10];
const TTL_SINCE: ServerVersion = [2, 11];
const SAFE_FILTERS_SINCE: ServerVersion = [2, 11];

/** Reads what a server says of itself. Throws `server-too-old` below 2.10, and for what is not a version at all. */
export function requireServer(version: string): ServerVersion {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  const found: ServerVersion = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  if (match === null || !isAtLeast(found, OLDEST)) {
    throw new MillpondError(
      "server-too-old",
      `the server is version ${JSON.stringify(version)}; Millpond needs 2.10 or newer`,
      { hint: "Older servers can drop updates of a watch silently. Upgrade the server." },
    );
  }
  return found;
}

/** Whether messages can carry a time to live, and keys that expire leave a marker. */
export function supportsTtl(version: ServerVersion): boolean {
  return isAtLeast(version, TTL_SINCE);
}

/** Whether a consumer with several filters skips nothing when a purge covers all of one filter (2.10 does, silently). */
export function filtersAreSafe(version: ServerVersion): boolean {
  return isAtLeast(version, SAFE_FILTERS_SINCE);
}

function isAtLeast(version: ServerVersion, least: ServerVersion): boolean {
  return version[0] > least[0] || (version[0] === least[0] && version[1] >= least[1]);
}
