import type { Target } from "./target.js";
import { addressTargets } from "./targets/address.js";
import { answersTarget } from "./targets/answers.js";
import { argumentsTarget } from "./targets/arguments.js";
import { batchTarget } from "./targets/batch.js";
import { bucketFileTarget } from "./targets/bucket-file.js";
import { commandTargets } from "./targets/commands.js";
import { convertTargets } from "./targets/convert.js";
import { credentialsTarget } from "./targets/credentials.js";
import { deliveredTarget } from "./targets/delivered.js";
import { fileNoteTargets } from "./targets/file-notes.js";
import { followTargets } from "./targets/follow.js";
import { messageTargets } from "./targets/message.js";
import { noteTargets } from "./targets/notes.js";
import { openTargets } from "./targets/open.js";
import { pythonTargets } from "./targets/python.js";
import { readTargets } from "./targets/read.js";
import { repairTargets } from "./targets/repair.js";
import { valueTargets } from "./targets/values.js";

/** Every parser that is given bytes from outside. */
export const targets: readonly Target[] = [
  ...readTargets,
  ...pythonTargets,
  ...convertTargets,
  ...repairTargets,
  ...openTargets,
  ...followTargets,
  ...commandTargets,
  batchTarget,
  ...messageTargets,
  deliveredTarget,
  answersTarget,
  ...addressTargets,
  credentialsTarget,
  ...valueTargets,
  argumentsTarget,
  ...noteTargets,
  ...fileNoteTargets,
  bucketFileTarget,
];
