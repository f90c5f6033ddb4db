import type { Fault } from "../fault.js";
import { logFaults } from "./log.js";
import { replicaFaults } from "./replica.js";
import { ruleFaults } from "./rules.js";
import { sourceFaults } from "./source.js";
import { storeFaults } from "./store.js";
import { watchFaults } from "./watch.js";

/** All of them. */
export const faults: readonly Fault[] = [
  ...logFaults,
  ...storeFaults,
  ...watchFaults,
  ...ruleFaults,
  ...replicaFaults,
  ...sourceFaults,
];
