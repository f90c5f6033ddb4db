// Compacts the beginning of a log off the main thread: see prefix-dump.ts.
import { answerAsWorker } from "../../platform/index.js";
import { runPrefixJob, type PrefixJob } from "./compact-job.js";

await answerAsWorker((data) => runPrefixJob(data as PrefixJob));
