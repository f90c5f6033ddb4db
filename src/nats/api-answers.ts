import type { Msg } from "@nats-io/nats-core";
import { MillpondError } from "../errors/index.js";
import type {
  ApiErrorBody,
  ConsumerInfo,
  PublishAck,
  StoredMessage,
  StreamConfig,
  StreamInfo,
} from "./api-types.js";
import { fromApiError } from "./errors.js";
import { nanosOfTime } from "./message.js";

type Fields = Readonly<Record<string, unknown>>;
/** Whether an answer is of the kind that was asked for. */
export type AnswerCheck<T> = (answer: Fields) => answer is Fields & T;

/**
 * What a server answered to what `doing` says, checked by `isOne`. Throws the error that it is, and `operation-failed` for what no
 * server of NATS answers: something else may have, and its figures would go into positions.
 */
export function answerOf<T>(doing: string, message: Pick<Msg, "json">, isOne: AnswerCheck<T>): T {
  const answer = objectOf(message);
  if (answer === undefined) throw unreadable(doing);
  const { error } = answer;
  if (error !== undefined) throw isError(error) ? fromApiError(doing, error) : unreadable(doing);
  if (!isOne(answer)) throw unreadable(doing);
  return answer;
}

export function isStreamInfo(answer: Fields): answer is Fields & StreamInfo {
  const { created, ts, config, state } = answer as Partial<Record<keyof StreamInfo, unknown>>;
  if (typeof created !== "string" || !(ts === undefined || isTime(ts))) return false;
  return isFields(config) && isConfig(config) && isFields(state) && isState(state);
}

export function isConsumerInfo(answer: Fields): answer is Fields & ConsumerInfo {
  const { name, num_pending, delivered } = answer as Partial<Record<keyof ConsumerInfo, unknown>>;
  if (typeof name !== "string" || !isCount(num_pending) || !isFields(delivered)) return false;
  return isCount(delivered["consumer_seq"]) && isCount(delivered["stream_seq"]);
}

export function isMessage(answer: Fields): answer is Fields & { readonly message: StoredMessage } {
  const { message } = answer;
  if (!isFields(message)) return false;
  const { seq, subject, time, hdrs, data } = message as Partial<
    Record<keyof StoredMessage, unknown>
  >;
  if (!isCount(seq) || typeof subject !== "string" || !isTime(time)) return false;
  return [hdrs, data].every((part) => part === undefined || typeof part === "string");
}

export function isPublishAck(answer: Fields): answer is Fields & PublishAck {
  return isCount((answer as Partial<Record<keyof PublishAck, unknown>>).seq);
}

/** For an answer that says nothing but that it was done. */
export function isAnything(answer: Fields): answer is Fields {
  return isFields(answer);
}

function isState(state: Fields): boolean {
  const { messages, bytes, first_seq, last_seq } = state as Partial<
    Record<keyof StreamInfo["state"], unknown>
  >;
  return [messages, bytes, first_seq, last_seq].every(isCount);
}

function isConfig(config: Fields): boolean {
  const { max_age, max_bytes, max_msgs, num_replicas, subject_delete_marker_ttl } =
    config as Partial<Record<keyof StreamConfig, unknown>>;
  return [max_age, max_bytes, max_msgs, num_replicas, subject_delete_marker_ttl].every(
    (figure) => figure === undefined || (typeof figure === "number" && Number.isFinite(figure)),
  );
}

function isError(value: unknown): value is ApiErrorBody {
  if (!isFields(value)) return false;
  const { code, err_code, description } = value;
  if (!Number.isInteger(code) || !(err_code === undefined || Number.isInteger(err_code))) {
    return false;
  }
  return description === undefined || typeof description === "string";
}

/** Sequences above are not exact in JSON. */
function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && nanosOfTime(value) !== undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectOf(message: Pick<Msg, "json">): Fields | undefined {
  try {
    const answer = message.json<unknown>();
    return isFields(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

function unreadable(doing: string): MillpondError {
  return new MillpondError("operation-failed", `cannot ${doing}: the answer cannot be read`, {
    hint: "Something else than a NATS server may have answered: see who takes the subject.",
  });
}
