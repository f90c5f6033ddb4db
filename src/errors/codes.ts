/**
 * Every failure that Millpond reports carries one of these literals as `error.code`. Codes are part of the API and keep
 * their meaning; messages may change in any release. The README has a table of code, cause and remedy.
 */
export type ErrorCode =
  // The server and the bucket.
  | "not-connected"
  | "connection-failed"
  | "tls-failed"
  | "authorization"
  | "server-too-old"
  | "bucket-not-found"
  | "bucket-full"
  | "key-not-found"
  | "already-exists"
  | "revision-mismatch"
  | "cursor-expired"
  | "watch-error"
  | "operation-failed"
  | "timeout"
  // What a caller passed in, or a value that could not be turned into bytes or back.
  | "invalid-argument"
  | "invalid-key"
  | "serialization"
  | "deserialization"
  // The log on disk.
  | "io"
  | "invalid-format"
  | "corrupted"
  | "locked"
  | "poisoned"
  | "closed"
  // The copy in memory.
  | "too-large"
  | "stale"
  | "missed";
