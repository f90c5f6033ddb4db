import { scopeOf } from "../kv/index.js";
import type { ReplicaOptions } from "../replica/index.js";
import { choiceOf, type Parsed, requiredOne, usageError } from "./arguments.js";
import type { ServerOptions } from "./source.js";

/** What a command line asks a mirror to do. */
export interface MirrorTask {
  readonly bucket: string;
  readonly directory: string;
  /** `undefined`: a demo bucket. */
  readonly server: ServerOptions | undefined;
  readonly scope: readonly string[] | undefined;
  readonly store: Pick<ReplicaOptions, "durability" | "format" | "expiry">;
  readonly replace: boolean;
  readonly once: boolean;
}

/** Makes and opens nothing. Throws `invalid-argument`, and `invalid-key` for a prefix that no key can start with. */
export function mirrorTaskOf(parsed: Parsed): MirrorTask {
  const directory = requiredOne(parsed, "to", "DIR");
  const url = parsed.one("nats");
  const credsFile = parsed.one("creds");
  if (url === undefined && credsFile !== undefined) throw usageError("--creds needs --nats");
  const prefixes = parsed.many("prefix");
  scopeOf(prefixes);
  return {
    bucket: parsed.positionals[0] ?? "",
    directory,
    server: url === undefined ? undefined : { url, credsFile },
    scope: prefixes.length === 0 ? undefined : prefixes,
    store: storeOptionsOf(parsed),
    replace: parsed.flag("replace"),
    once: parsed.flag("once"),
  };
}

function storeOptionsOf(parsed: Parsed): MirrorTask["store"] {
  const durability = choiceOf(parsed, "durability", ["process", "power"]);
  const format = choiceOf(parsed, "format", ["2", "3"]);
  const expiry = choiceOf(parsed, "expiry", ["mirror", "retain"]);
  return {
    ...(durability === undefined ? {} : { durability }),
    ...(expiry === undefined ? {} : { expiry }),
    ...(format === undefined ? {} : { format: format === "2" ? 2 : 3 }),
  };
}
