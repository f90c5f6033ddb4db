/** Takes whole frames of a log, as long as they are good batches. */
import {
  abort,
  commit,
  FULL,
  INVALID,
  stagedCount,
  stageEnd,
  stageHead,
  stageRecords,
} from "./batch";
import { crc32, crcByTables } from "./crc";
import { RESULT } from "./layout";

const FRAME_HEAD: u32 = 16;
const SYNC: u32 = 0xf39d;
const BATCH: u32 = 1;
const BODY_BYTES_MAX: u32 = 64 << 20;
const SALT: u32 = RESULT;
const OFFSET: u32 = RESULT + 8;

let whyStopped: i32 = 0;

/** 0: at what is no whole batch frame; else why a good frame was not taken. */
export function walkStopped(): i32 {
  return whyStopped;
}

/** Whether a batch frame begins at `at`, which lies at `offset` in its file, whose salt is in its place. */
function isBatchHead(at: u32, offset: u64): bool {
  if (load<u32>(at) !== (SYNC | (BATCH << 16))) return false;
  store<u64>(OFFSET, offset);
  const crc = crcByTables(crcByTables(~0, SALT, 16), at, FRAME_HEAD - 4);
  return ~crc === load<u32>(at, 12);
}

/** Gives how many bytes it took; `offset` is where the first lies in its file. */
export function walk(from: u32, bytes: u32, offset: f64): u32 {
  let at = from;
  const stop = from + bytes;
  whyStopped = 0;
  while (stop - at >= FRAME_HEAD) {
    if (!isBatchHead(at, <u64>offset + (at - from))) break;
    const bodyBytes = load<u32>(at, 4);
    if (bodyBytes > BODY_BYTES_MAX || bodyBytes > stop - at - FRAME_HEAD) break;
    const body = at + FRAME_HEAD;
    if (crc32(body, bodyBytes) !== load<u32>(at, 8)) break;
    whyStopped = stageBody(body, bodyBytes);
    if (whyStopped !== 0) {
      abort();
      break;
    }
    at = body + bodyBytes;
    commit();
  }
  return at - from;
}

function stageBody(body: u32, bytes: u32): i32 {
  const head = stageHead(body, bytes);
  if (head < 0) return head;
  const count = load<u32>(body, 4);
  const took = stageRecords(body + head, bytes - head, count);
  if (took < 0) return took;
  if (<u32>(head + took) !== bytes || stagedCount() !== count) return INVALID;
  return stageEnd() === 0 ? 0 : FULL;
}
