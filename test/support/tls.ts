import { fileURLToPath } from "node:url";

type Name =
  | "ca"
  | "other-ca"
  | "server"
  | "by-address"
  | "by-name"
  | "elsewhere"
  | "expired"
  | "client"
  | "stranger";

/** Certificates and keys that scripts/make-tls-fixtures.sh made: the files' paths. */
export function certificateOf(name: Name): string {
  return pathOf(`${name}.cert.pem`);
}

export function keyOf(name: Exclude<Name, "ca" | "other-ca">): string {
  return pathOf(`${name}.key.pem`);
}

/** For the configuration of a server that speaks TLS only, with this certificate; `more` goes inside the block. */
export function serverTls(name: Exclude<Name, "ca" | "other-ca">, ...more: string[]): string {
  const lines = [`cert_file: "${certificateOf(name)}"`, `key_file: "${keyOf(name)}"`, ...more];
  return `tls {\n${lines.join("\n")}\n}`;
}

/** What the client needs to present this certificate. */
export function clientTls(name: "client" | "stranger"): { certFile: string; keyFile: string } {
  return { certFile: certificateOf(name), keyFile: keyOf(name) };
}

/** The tests run compiled, from .build/test/support. */
function pathOf(file: string): string {
  return fileURLToPath(new URL(`../../../test/fixtures/tls/${file}`, import.meta.url));
}
