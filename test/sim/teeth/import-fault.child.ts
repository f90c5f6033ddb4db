// For `node --import`: the process has the fault that MILLPOND_FAULT names.
import { register } from "node:module";
import type { Edit } from "./fault.js";
import { plantedHere } from "./planted.js";

const edits = new Map<string, Edit[]>();
for (const edit of plantedHere()?.edits ?? []) {
  const { href } = new URL(`../../../src/${edit.file}`, import.meta.url);
  edits.set(href, [...(edits.get(href) ?? []), edit]);
}
register("./load-fault.child.js", import.meta.url, { data: edits });
