export {
  CLOCK_ROUNDING_MS,
  keepProcessAlive,
  momentOf,
  nextTurn,
  sleep,
  steadyNow,
  systemClock,
  systemRandom,
  type Clock,
  type Random,
} from "./clock.js";
export type {
  FileHandle,
  FileLock,
  FileOwner,
  FileStat,
  FileSystem,
  OpenMode,
} from "./file-system.js";
export { allowManyListeners } from "./listeners.js";
export { nodeFileSystem } from "./node-file-system.js";
export { answerAsWorker, runInWorker } from "./worker.js";
