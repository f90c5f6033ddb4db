import type { CopyIdentity } from "../rules/index.js";
import { objectOf } from "./small-file.js";

const FORMAT = 1;

/** `{"format":1,"bucket":"…","created":"…","scope":["…"]}`; `scope` sorted, `[""]` for every key. */
export function textOf({ bucket, created, scope }: CopyIdentity): string {
  return JSON.stringify({ format: FORMAT, bucket, created, scope });
}

/** `undefined` for a text that this does not understand. */
export function identityOf(text: string): CopyIdentity | undefined {
  const { format, bucket, created, scope } = objectOf(text) ?? {};
  if (format !== FORMAT || typeof bucket !== "string" || typeof created !== "string") {
    return undefined;
  }
  if (!Array.isArray(scope) || !scope.every((prefix) => typeof prefix === "string")) {
    return undefined;
  }
  return { bucket, created, scope };
}
