// Does one job in a process of its own, so that no measurement inherits another's heap, compiled code or caches: makes a
// prepared thing, or measures a subject once and prints its figures as JSON. The job is the argument, as JSON.
import { writeSync } from "node:fs";
import { join } from "node:path";
import { Dataset } from "./data.js";
import type { Job } from "./harness/jobs.js";
import type { Task } from "./harness/part.js";
import { parts } from "./parts/index.js";
import { prepare } from "./prepared.js";

const job = JSON.parse(process.argv[2] ?? "") as Job;
const data = new Dataset(job.keys, job.seed);
if (job.kind === "prepare") {
  await prepare(job.name, data, join(job.preparedDirectory, fileName(job.name)));
} else {
  const subject = parts
    .find(({ name }) => name === job.part)
    ?.subjects.find(({ name }) => name === job.subject);
  if (subject?.measure === undefined) throw new Error(`nothing to measure: ${job.subject}`);
  const task: Task = {
    data,
    directory: job.directory,
    prepared: (name) => join(job.preparedDirectory, fileName(name)),
  };
  writeSync(1, JSON.stringify(await subject.measure(task)));
}
// Stores are left open, and held by whatever measured them.
process.exit(0);

function fileName(name: string): string {
  return name.replaceAll(":", "-");
}
