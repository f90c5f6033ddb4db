// For `node --import`: the process has the fault that MILLPOND_FAULT names.
import { register } from "node:module";
import process from "node:process";
import type { Edit } from "./fault.js";
import { faults } from "./faults/index.js";

const id = process.env["MILLPOND_FAULT"];
const fault = faults.find((one) => one.id === id);
if (fault === undefined) throw new Error(`there is no fault ${id}`);
const edits = new Map<string, Edit[]>();
for (const edit of fault.edits) {
  const { href } = new URL(`../../../src/${edit.file}`, import.meta.url);
  edits.set(href, [...(edits.get(href) ?? []), edit]);
}
register("./load-fault.child.js", import.meta.url, { data: edits });
