import assert from "node:assert/strict";
import { Arena } from "../../../src/kernel/index.js";
import { inspectLog, readSnapshot } from "../../../src/log/index.js";
import { scanLog } from "../../../src/log/scan-log.js";
import type { LogVisitor } from "../../../src/log/visitor.js";
import type { KvUpdate, LogPosition } from "../../../src/values/index.js";
import { endingOf, readOnly, State, stateText, type Ending } from "../../log/sweep/outcome.js";
import { diskWith, LOG_PATH } from "../../support/v3-logs.js";
import { logTargets } from "../logs/log-target.js";
import { loaded, NOTHING, plainly } from "../logs/readers.js";
import type { Verdict } from "../target.js";

/**
 * Any bytes at all end in a result or an error of ours, soon, with no more memory than the file is long; and every reader says the
 * same: the plain one, the copy in WASM memory, `inspect`, and whoever reads the good part alone.
 */
async function check(bytes: Buffer): Promise<Verdict> {
  const { ending, text } = await plainly(bytes);
  await requireKernel(bytes, ending, text);
  await requireReport(bytes, ending, text);
  if (ending.failed) return ending.code as Verdict;
  const good = bytes.subarray(0, ending.goodBytes);
  assert.deepEqual(await plainly(good), { ending, text }, "the good part reads otherwise");
  return "accepted";
}

let arena: Arena | undefined;

async function requireKernel(bytes: Buffer, ending: Ending, text: string): Promise<void> {
  arena ??= new Arena({ seed: 1 });
  arena.clear();
  // What it leaves it is given as a single batch: by turns all, nothing, or every other frame.
  const copy = new Copy(arena, bytes.length % 3);
  assert.deepEqual(await endingOf(bytes, copy), ending, "the copy in memory ends otherwise");
  assert.equal(copy.text, text, "the copy in memory has another state");
}

async function requireReport(bytes: Buffer, ending: Ending, text: string): Promise<void> {
  const fs = await diskWith(bytes);
  const report = await inspectLog(LOG_PATH, { fs });
  if (ending.failed) {
    assert.deepEqual(
      report.result === "error" && [report.code, report.offset],
      [ending.code, ending.offset],
      "inspect says otherwise",
    );
    await assert.rejects(loaded(fs), { code: ending.code, offset: ending.offset });
    return;
  }
  assert.notEqual(report.result, "error", "inspect finds damage");
  if (report.result === "error") return;
  const scan = await scanLog(readOnly(bytes), LOG_PATH, new State());
  assert.deepEqual(
    [report.format, report.records, report.frames, report.bytes, report.tornBytes],
    [scan.format, scan.records, ending.frames, bytes.length, bytes.length - ending.goodBytes],
  );
  assert.ok((scan.lastPosition ?? 0) <= ending.goodBytes);
  const snapshot = await loaded(fs);
  if (report.result === "none") assert.equal(snapshot, NOTHING);
  else {
    assert.equal(snapshot, text, "a snapshot has another state");
    const { entries, cursor, cursorTimeNs = 0n, origin } = report;
    const { size } = (await readSnapshot(LOG_PATH, { fs }))?.entries ?? { size: 0 };
    assert.equal(entries, size, "inspect counts otherwise");
    assert.ok(text.endsWith(stateText([], { cursor, cursorTimeNs, origin })));
  }
}

class Copy implements LogVisitor {
  readonly #arena: Arena;
  readonly #walks: number;
  #asked = 0;
  /** Of a format 2 log. */
  #position: LogPosition | undefined;

  constructor(entries: Arena, walks: number) {
    this.#arena = entries;
    this.#walks = walks;
  }

  get text(): string {
    return stateText(this.#arena.range(""), this.#arena.position() ?? this.#position);
  }

  update(update: KvUpdate): void {
    this.#arena.apply(update);
  }

  position(position: LogPosition): void {
    this.#position = position;
  }

  batch(body: Uint8Array): void {
    this.#arena.stage(body);
    this.#arena.commit();
  }

  walk(bytes: Uint8Array, offset: number, salt: Uint8Array): number {
    this.#asked += 1;
    if (this.#walks === 0 || (this.#walks === 1 && this.#asked % 2 === 0)) return 0;
    return this.#arena.walk(bytes, offset, salt);
  }
}

export const readTargets = logTargets({ name: "read", share: 300, check });
