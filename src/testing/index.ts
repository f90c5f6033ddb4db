export {
  InProcessBucket,
  InProcessConnection,
  openInProcess,
  type InProcessOptions,
} from "../in-process/index.js";
export { ManualClock } from "./manual-clock.js";
