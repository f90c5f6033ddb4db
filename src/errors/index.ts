export type { ErrorCode } from "./codes.js";
export { CorruptedError, InvalidFormatError, IoError, LockedError } from "./log-errors.js";
export { isMillpondError, MillpondError, type MillpondErrorOptions } from "./millpond-error.js";
