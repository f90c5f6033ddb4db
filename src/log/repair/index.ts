export { isDamage } from "./assess.js";
export { heal, type DamagedLog } from "./heal.js";
export { checkHealing, KEEP_CORRUPT, type HealingOptions, type LogRepair } from "./report.js";
export { undoUnfinished } from "./set-aside.js";
