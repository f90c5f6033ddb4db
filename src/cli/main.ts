#!/usr/bin/env node
import { run } from "./run.js";

// A reader that has seen enough (`millpond ls DIR | head`) closes the pipe: not an error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), process.stdout, process.stderr);
