import type { CopyIdentity } from "../rules/index.js";

const FORMAT = 1;

/** `{"format":1,"bucket":"…","created":"…","scope":["…"]}`; `scope` sorted, `[""]` for every key. */
export function textOf({ bucket, created, scope }: CopyIdentity): string {
  return JSON.stringify({ format: FORMAT, bucket, created, scope });
}

/** `undefined` for a text that this does not understand. */
export function identityOf(text: string): CopyIdentity | undefined {
  const parsed = parse(text);
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { format, bucket, created, scope } = parsed as Record<string, unknown>;
  if (format !== FORMAT || typeof bucket !== "string" || typeof created !== "string") {
    return undefined;
  }
  if (!Array.isArray(scope) || !scope.every((prefix) => typeof prefix === "string")) {
    return undefined;
  }
  return { bucket, created, scope };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
