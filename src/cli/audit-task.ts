import { scopeOf } from "../kv/index.js";
import { type Parsed, requiredOne } from "./arguments.js";
import type { ServerOptions } from "./source.js";

/** What a command line asks an audit to compare. */
export interface AuditTask {
  readonly bucket: string;
  readonly path: string;
  readonly server: ServerOptions;
  readonly prefixes: readonly string[];
}

/** Opens nothing. Throws `invalid-argument`, and `invalid-key` for a prefix that no key can start with. */
export function auditTaskOf(parsed: Parsed): AuditTask {
  const path = requiredOne(parsed, "path", "DIR");
  const url = requiredOne(parsed, "nats", "URL");
  const prefixes = parsed.many("prefix");
  scopeOf(prefixes);
  return {
    bucket: parsed.positionals[0] ?? "",
    path,
    server: { url, credsFile: parsed.one("creds") },
    prefixes,
  };
}
