import type { ErrorCode } from "../../src/errors/index.js";
import { codecOf } from "../../src/log/codecs.js";
import {
  VersionToken,
  WatchCursor,
  type KvEntry,
  type KvUpdate,
  type LogPosition,
} from "../../src/values/index.js";
import { del, purge, put } from "./updates.js";
import { positionAt, V3Log } from "./v3-logs.js";

/** What a fixture's file has to load to, as the JSON file beside it says. */
export interface FixtureContent {
  readonly format: number;
  /** Hex. */
  readonly cursor: string;
  /** In digits: ns since 1970. */
  readonly cursorTimeNs: string;
  readonly origin: string | null;
  readonly tornBytes: number;
  /** Ascending by the bytes of the key. Values in base64. */
  readonly entries: readonly FixtureEntry[];
}

interface FixtureEntry {
  readonly key: string;
  readonly value: string;
  readonly version: string;
  readonly timeMs?: number;
  readonly ttlMs?: number;
}

/** What a file has to be refused with. */
export interface FixtureError {
  readonly code: ErrorCode;
  readonly offset: number;
}

export interface Fixture {
  /** Path below test/fixtures, without an ending. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly content: FixtureContent | FixtureError;
}

interface Batch {
  readonly updates: readonly KvUpdate[];
  readonly position?: LogPosition;
}

const WITHDRAWN: LogPosition = { cursor: WatchCursor.none, cursorTimeNs: 0n, origin: undefined };
/** The beginning of a cursor record of format 2 that says it has 200 bytes. */
const LONG_CURSOR = Buffer.of(1, 2, 3, 4, 3, 200, 1, 2);
const TIME_MS = 1_700_000_000_000;

const one: readonly Batch[] = [
  { updates: [put("alpha", "value-a", 1), put("bravo", "", 2)], position: positionAt(2) },
];

const several: readonly Batch[] = [
  {
    updates: [
      { ...put("edge.eu.web", "1", 1), timeMs: TIME_MS },
      { ...put("edge.eu.api", "2", 2), timeMs: TIME_MS + 1, ttlMs: 60_000 },
      { ...put("edge.us.web", "3", 3), ttlMs: 5 },
      put("\u{1F600}", "last", 4),
      put("\uFFEE", "before it", 5),
    ],
    position: positionAt(5, '{"bucket":"routes"}'),
  },
  { updates: [put("", "the empty key", 6), put('tab\tand "quote" \u2028', "\0\xFF\n", 7)] },
  {
    updates: [
      put("edge.eu.web", "overwritten, without a time", 8),
      { ...del("edge.us.web", 9), timeMs: TIME_MS + 2 },
      { ...purge("never.was", 10), timeMs: TIME_MS + 3, ttlMs: 1000 },
      { kind: "delete", key: "\uFFEE", version: VersionToken.unknown },
      {
        kind: "put",
        key: "ten",
        value: Buffer.alloc(300, "ten"),
        version: VersionToken.fromHex("00112233445566778899"),
      },
      { kind: "put", key: "none", value: Buffer.from("x"), version: VersionToken.unknown },
    ],
    position: positionAt(10, '{"bucket":"rôutes"}'),
  },
  {
    updates: [
      put("edge.us.web", "is back", 11),
      del("edge.us.web", 12),
      put("edge.us.web", "again", 13),
    ],
    position: {
      cursor: WatchCursor.fromHex("00112233445566778899"),
      cursorTimeNs: 2n ** 63n + 1n,
      origin: undefined,
    },
  },
];

const ahead: readonly Batch[] = [
  ...one,
  { updates: [put("charlie", "ahead", 3), del("alpha", 4)] },
];
const withdrawn: readonly Batch[] = [
  { updates: [put("alpha", "1", 1)], position: positionAt(1, "here") },
  { updates: [del("alpha", 2)], position: WITHDRAWN },
  { updates: [put("bravo", "2", 3)] },
];

/** All fixtures, made anew: the same bytes every time. */
export function fixtures(): Fixture[] {
  return [...fixturesOfV3(), ...fixturesOfV2(), ...refused()];
}

function refused(): Fixture[] {
  const v2 = v2BytesOf([]);
  const put2 = v2BytesOf([{ updates: [put("alpha", "1", 1)] }]);
  const versionLength = put2.length - 9;
  put2[versionLength] = 11;
  return [
    // A length that no record has is judged before what it measures is looked for.
    invalid("v2-cursor-too-long-at-the-end", Buffer.concat([v2, LONG_CURSOR]), v2.length),
    invalid("v2-version-too-long-at-the-end", put2.subarray(0, versionLength + 1), v2.length),
    invalid("v3-unknown-kind", logOf(one).frame(2, Buffer.from("newer")).bytes, logOf(one).size),
  ];
}

function invalid(name: string, bytes: Buffer, offset: number): Fixture {
  return { name: `refused/${name}`, bytes, content: { code: "invalid-format", offset } };
}

function fixturesOfV3(): Fixture[] {
  const v3 = (
    name: string,
    log: V3Log,
    batches: readonly Batch[],
    tail: Uint8Array = Buffer.alloc(0),
  ): Fixture => ({
    name: `v3/${name}`,
    bytes: Buffer.concat([log.bytes, tail]),
    content: contentOf(3, batches, tail.length),
  });
  const next = logOf([{ updates: [put("lost", "lost", 9)], position: positionAt(9) }], logOf(one));
  const torn = next.bytes.subarray(logOf(one).size);
  const lineage = {
    oldSalt: Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1),
    oldOffset: 2 ** 33 + 5,
    newOffset: 300,
  };
  const dumped: Batch[] = [
    { updates: one[0]?.updates ?? [] },
    { updates: [], position: positionAt(2, "here") },
  ];
  return [
    v3("empty", new V3Log(), []),
    v3("one-batch", logOf(one), one),
    v3("several-batches", logOf(several), several),
    v3("ahead-of-its-cursor", logOf(ahead), ahead),
    v3("withdrawn-cursor", logOf(withdrawn), withdrawn),
    v3("lineage", logOf(dumped, new V3Log().lineage(lineage)), dumped),
    v3(
      "optional-frames",
      logOf(
        one,
        new V3Log().frame(0x80, Buffer.alloc(0)).frame(0xff, Buffer.from("of another time")),
      ),
      one,
    ),
    v3("torn-head", logOf(one), one, torn.subarray(0, 15)),
    v3("torn-after-its-head", logOf(one), one, torn.subarray(0, 16)),
    v3("torn-body", logOf(one), one, torn.subarray(0, -1)),
    v3("torn-then-zeros", logOf(one), one, Buffer.concat([torn.subarray(0, 30), Buffer.alloc(50)])),
    v3("zeros-at-the-end", logOf(one), one, Buffer.alloc(64)),
  ];
}

function fixturesOfV2(): Fixture[] {
  const v2 = (
    name: string,
    batches: readonly Batch[],
    tail: Uint8Array = Buffer.alloc(0),
  ): Fixture => ({
    name: `v2/${name}`,
    bytes: Buffer.concat([v2BytesOf(batches), tail]),
    content: contentOf(2, batches, tail.length),
  });
  const put2 = v2BytesOf([{ updates: [put("lost", "lost", 9)] }]).subarray(6);
  return [
    v2("empty", []),
    v2("one-batch", one),
    v2("several-batches", several),
    v2("ahead-of-its-cursor", ahead),
    v2("withdrawn-cursor", withdrawn),
    v2("torn-record", one, put2.subarray(0, -1)),
    v2("zeros-at-the-end", one, Buffer.alloc(64)),
  ];
}

function logOf(batches: readonly Batch[], log = new V3Log()): V3Log {
  for (const { updates, position } of batches) log.batch(updates, position);
  return log;
}

function v2BytesOf(batches: readonly Batch[]): Buffer {
  const codec = codecOf(2);
  const encoder = codec.encoder();
  const place = { offset: 0, salt: new Uint8Array(0) };
  const parts = batches.map(({ updates, position }) => {
    encoder.clear();
    for (const update of updates) encoder.add(update);
    encoder.end(position);
    return Buffer.from(encoder.stamp(place));
  });
  return Buffer.concat([codec.header(place.salt), ...parts]);
}

/** What batches add up to, by a map: no code under test. */
function contentOf(format: 2 | 3, batches: readonly Batch[], tornBytes: number): FixtureContent {
  const entries = new Map<string, KvEntry>();
  let position: LogPosition = WITHDRAWN;
  for (const batch of batches) {
    for (const update of batch.updates) {
      if (update.kind === "put") entries.set(update.key, update);
      else entries.delete(update.key);
    }
    if (batch.position !== undefined) {
      position = { ...batch.position, origin: batch.position.origin ?? position.origin };
    }
  }
  return {
    format,
    cursor: position.cursor.toHex(),
    cursorTimeNs: format === 2 ? "0" : String(position.cursorTimeNs),
    origin: format === 2 ? null : (position.origin ?? null),
    tornBytes,
    entries: [...entries.values()]
      .toSorted((left, right) => Buffer.compare(Buffer.from(left.key), Buffer.from(right.key)))
      .map((entry) => entryOf(entry, format)),
  };
}

function entryOf({ key, value, version, timeMs, ttlMs }: KvEntry, format: 2 | 3): FixtureEntry {
  return {
    key,
    value: Buffer.from(value).toString("base64"),
    version: version.toHex(),
    ...(timeMs === undefined || format === 2 ? {} : { timeMs }),
    ...(ttlMs === undefined || format === 2 ? {} : { ttlMs }),
  };
}
