import { MillpondError } from "../errors/index.js";

export function cursorExpired(message: string): MillpondError {
  return new MillpondError("cursor-expired", message, {
    hint: "Watch again without a position, and remove the keys that are gone.",
  });
}

export function rolledBack(bucket: string): MillpondError {
  return cursorExpired(`bucket ${bucket} was rolled back while it was watched`);
}

export function bucketNotFound(name: string): MillpondError {
  return new MillpondError("bucket-not-found", `there is no bucket ${name}`, {
    hint: "Check the name, or create the bucket.",
  });
}

export function notConnected(closed: boolean): MillpondError {
  return new MillpondError(
    "not-connected",
    closed ? "the connection is closed" : "the connection is down",
    { hint: closed ? "Open another connection." : "Try again once it is up." },
  );
}

export function alreadyExists(key: string): MillpondError {
  return new MillpondError("already-exists", `key ${key} has a value`, {
    hint: "Update it with the version that you read, or put it whatever is there.",
  });
}

export function revisionMismatch(key: string, expected: bigint, actual: number): MillpondError {
  const is = actual === 0 ? "no record" : `version ${actual}`;
  return new MillpondError("revision-mismatch", `key ${key} has ${is}, not version ${expected}`, {
    hint: "Somebody else wrote it: read it again, decide again.",
  });
}
