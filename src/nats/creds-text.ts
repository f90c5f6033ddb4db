/** The two secrets of a creds file. */
export interface CredsParts {
  readonly jwt: string;
  readonly seed: string;
}

/**
 * What stands in a creds file, as `nsc` writes it, with line ends of any kind: each of its two parts is one line between two dashed
 * ones. `undefined` for anything else. Not by the client's parser, which takes time by the third power of the length for a run of
 * dashes (3.4.0).
 */
export function credsIn(text: string): CredsParts | undefined {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const parts: string[] = [];
  for (let at = 0; at + 2 < lines.length; at += 1) {
    const [before = "", line = "", after = ""] = lines.slice(at, at + 3);
    if (!isRule(before) || isRule(line) || !isRule(after)) continue;
    parts.push(line);
    // The rule behind a part does not stand before another.
    at += 2;
  }
  const [jwt, seed] = parts;
  return jwt === undefined || seed === undefined ? undefined : { jwt, seed };
}

function isRule(line: string): boolean {
  return line.startsWith("---") && line.endsWith("---");
}
