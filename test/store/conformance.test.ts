import { AppendLogSnapshot } from "../../src/store/index.js";
import { describeSnapshotStore } from "../../src/testing/index.js";
import { JsonStore } from "../support/json-store.js";

describeSnapshotStore("AppendLogSnapshot", { open: (path) => AppendLogSnapshot.open(path) });

describeSnapshotStore("AppendLogSnapshot that compacts all the time", {
  open: (path) => AppendLogSnapshot.open(path, { compactThreshold: 0 }),
});

describeSnapshotStore("AppendLogSnapshot with a log of format 2", {
  open: (path) => AppendLogSnapshot.open(path, { format: 2 }),
});

describeSnapshotStore("AppendLogSnapshot that survives a power loss", {
  open: (path) => AppendLogSnapshot.open(path, { durability: "power" }),
});

describeSnapshotStore("a second, quite different store", { open: (path) => JsonStore.open(path) });
