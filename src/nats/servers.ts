import { MillpondError } from "../errors/index.js";

/** What a list of server addresses says, secrets apart from places. */
export interface ParsedServers {
  /** `host:port`, without scheme or user information. */
  readonly hosts: readonly string[];
  /** Whether an address asks for TLS, so that plaintext must never do. */
  readonly tls: boolean;
  readonly login: UrlLogin | undefined;
}

export type UrlLogin =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "user"; readonly user: string; readonly password: string };

const DEFAULT_PORT = 4222;

/**
 * Takes addresses apart: `nats://host:4222`, `tls://host`, `host:4222`, with `user:password@` or `token@` before the host, percent
 * encoded where they hold any of `@ : / ? # % ,`. The client itself ignores user information, and takes `tls://` for a hint only. Throws
 * `invalid-argument`, without quoting the address: it may hold a password.
 */
export function parseServers(servers: string | readonly string[]): ParsedServers {
  const list = typeof servers === "string" ? servers.split(",") : servers;
  const parsed = list.map((address) => parseAddress(address.trim()));
  if (parsed.length === 0) throw badAddress("no server is named");
  const logins = parsed.flatMap(({ login }) => (login === undefined ? [] : [login]));
  const [login] = logins;
  if (logins.some((other) => JSON.stringify(other) !== JSON.stringify(login))) {
    throw badAddress("the servers' addresses name different users");
  }
  return {
    hosts: parsed.map(({ host }) => host),
    tls: parsed.some(({ tls }) => tls),
    login,
  };
}

function parseAddress(address: string): {
  readonly host: string;
  readonly tls: boolean;
  readonly login: UrlLogin | undefined;
} {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "nats" && scheme !== "tls") {
    throw badAddress(`${scheme}:// is not a scheme of NATS here`);
  }
  // As http, which makes the parser strict about hosts and ports. Port 80 is its default and would vanish: hence the check.
  const rest = scheme === undefined ? address : address.slice(scheme.length + 3);
  let url: URL;
  try {
    url = new URL(`http://${rest}`);
  } catch {
    throw badAddress("a server's address cannot be read");
  }
  // An unescaped # ends the host for the parser: what follows, and what stands before it, may be parts of a secret.
  if (
    rest.includes("#") ||
    url.hostname === "" ||
    (url.pathname !== "/" && url.pathname !== "") ||
    url.search !== ""
  ) {
    throw badAddress("a server's address is a host and a port, and nothing after it");
  }
  const port = url.port !== "" ? url.port : /:0*80\/?$/.test(rest) ? "80" : DEFAULT_PORT;
  return { host: `${url.hostname}:${port}`, tls: scheme === "tls", login: loginOf(url) };
}

function loginOf(url: URL): UrlLogin | undefined {
  if (url.username === "" && url.password === "") return undefined;
  try {
    const user = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    return password === "" ? { kind: "token", token: user } : { kind: "user", user, password };
  } catch {
    throw badAddress("the user information in a server's address is not percent-encoded properly");
  }
}

function badAddress(message: string): MillpondError {
  return new MillpondError("invalid-argument", message, {
    hint: "An address looks like nats://host:4222 or tls://user:password@host:4222, with user and password percent-encoded.",
  });
}
