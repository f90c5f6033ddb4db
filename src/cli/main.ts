#!/usr/bin/env node
import { run } from "./run.js";

/** What a shell gives a program that wrote to a pipe whose reader has gone: 128 + SIGPIPE. */
const BROKEN_PIPE = 141;

// A reader that has seen enough (`millpond ls DIR | head`) is no fault of ours, but neither has the job been done: a mirror
// whose log is no longer read must not look as if it had come to its end.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(BROKEN_PIPE);
  process.stderr.write(`millpond: io: cannot write to standard output: ${error.message}\n`);
  process.exit(1);
});
// Nobody to tell, and no reason to stop.
process.stderr.on("error", () => undefined);

const status = await run(process.argv.slice(2), process.stdout, process.stderr);
// Not left to an empty event loop: a socket that the client could not close must not keep a finished command alive.
process.stdout.write("", () => process.exit(status));
