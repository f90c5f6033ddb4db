import { isMillpondError, MillpondError, type ErrorCode } from "../errors/index.js";
import type { ApiErrorBody } from "./api-types.js";

/** A refusal by the JetStream API. */
export class ApiError extends MillpondError {
  /** HTTP-like: 400, 403, 404, 500, 503. */
  readonly status: number;
  /** The server's own number for the failure, such as 10059; 0 where it gave none. */
  readonly apiCode: number;

  constructor(code: ErrorCode, doing: string, body: ApiErrorBody, hint: string | undefined) {
    const number = body.err_code === undefined ? "" : ` (${body.err_code})`;
    super(
      code,
      `cannot ${doing}: ${body.description ?? `status ${body.code}`}${number}`,
      hint === undefined ? {} : { hint },
    );
    this.status = body.code;
    this.apiCode = body.err_code ?? 0;
  }
}

interface Meaning {
  readonly code: ErrorCode;
  readonly hint?: string;
}

const REREAD = "Somebody else wrote it: read it again, decide again.";
const NO_JETSTREAM: Meaning = {
  code: "operation-failed",
  hint: "Turn JetStream on in the server's configuration and for this account.",
};
export const BUCKET_HINT = "Check the name, or create the bucket.";

/** Numbers seen on 2.10.27 and 2.15.1. Any other is `operation-failed`. */
const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [10039, NO_JETSTREAM],
  [10076, NO_JETSTREAM],
  [10059, { code: "bucket-not-found", hint: BUCKET_HINT }],
  [10071, { code: "revision-mismatch", hint: REREAD }],
  [10164, { code: "revision-mismatch", hint: REREAD }],
  [10077, { code: "bucket-full", hint: "Remove keys, or give the bucket more room." }],
  [
    10166,
    { code: "operation-failed", hint: "Make the bucket with markerTtlMs to allow a time to live." },
  ],
]);

export function fromApiError(doing: string, body: ApiErrorBody): ApiError {
  const meaning = MEANINGS.get(body.err_code ?? 0);
  if (meaning !== undefined) return new ApiError(meaning.code, doing, body, meaning.hint);
  return new ApiError(
    body.code === 403 ? "authorization" : "operation-failed",
    doing,
    body,
    undefined,
  );
}

/** Whether nobody answers to a subject: no JetStream, or for a consumer that it is gone. */
export function isNoResponders(error: unknown): boolean {
  return namesOf(error).has("NoResponders");
}

/** Whether the server refused who we are, so that the connection ends; not a single request for want of permission. */
export function isRefusal(error: unknown): boolean {
  const names = namesOf(error);
  return names.has("AuthorizationError") || names.has("UserAuthenticationExpiredError");
}

/**
 * What the client threw, in our terms. Told by name and not by class, because a connection that a caller hands us may come
 * from another copy of the client.
 */
export function fromClientError(error: unknown, doing: string): MillpondError {
  if (isMillpondError(error)) return error;
  const names = namesOf(error);
  const cause = { cause: error };
  if (["PermissionViolationError", "AuthorizationError"].some((name) => names.has(name))) {
    return new MillpondError("authorization", `may not ${doing}: ${messageOf(error)}`, {
      ...cause,
      hint: "Check the credentials and the permissions of this user.",
    });
  }
  if (names.has("UserAuthenticationExpiredError")) {
    return new MillpondError("authorization", `may not ${doing}: the credentials have expired`, {
      ...cause,
      hint: "Renew the credentials.",
    });
  }
  if (names.has("NoResponders")) {
    return new MillpondError("operation-failed", `cannot ${doing}: JetStream does not answer`, {
      ...cause,
      ...(NO_JETSTREAM.hint === undefined ? {} : { hint: NO_JETSTREAM.hint }),
    });
  }
  if (names.has("TimeoutError")) {
    return new MillpondError("timeout", `no answer in time: ${doing}`, {
      ...cause,
      hint: "The server may be overloaded. A write may or may not have been done.",
    });
  }
  if (["ClosedConnectionError", "DrainingConnectionError"].some((name) => names.has(name))) {
    return notConnected("closed");
  }
  return new MillpondError("operation-failed", `cannot ${doing}: ${messageOf(error)}`, cause);
}

export function notConnected(state: "closed" | "down"): MillpondError {
  return state === "closed"
    ? new MillpondError("not-connected", "the connection is closed", {
        hint: "Open another connection.",
      })
    : new MillpondError("not-connected", "the connection is down", {
        hint: "Try again once it is up. A write that was under way may or may not have been done.",
      });
}

export function cursorExpired(message: string): MillpondError {
  return new MillpondError("cursor-expired", message, {
    hint: "Watch again without a position, and remove the keys that are gone.",
  });
}

/** Whether trying again may help, without anybody doing anything: an outage, a restart, an election. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 && error.apiCode !== 10076;
  if (isMillpondError(error, "operation-failed")) return isNoResponders(error.cause);
  return isMillpondError(error, "timeout") || isMillpondError(error, "not-connected");
}

/** The names of the error and of what caused it, three deep: the client wraps. */
function namesOf(error: unknown): Set<string> {
  const names = new Set<string>();
  let at = error;
  for (let depth = 0; depth < 3 && at instanceof Error; depth += 1) {
    names.add(at.name);
    at = at.cause;
  }
  return names;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
