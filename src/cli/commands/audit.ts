import { MillpondError } from "../../errors/index.js";
import { allKeys, type KvStore, prefixesOf, scopeOf, type WatchScope } from "../../kv/index.js";
import { openFollower } from "../../replica/index.js";
import type { CopyIdentity } from "../../rules/index.js";
import { auditCopy, type CopyReport, type Differing } from "../audit-copy.js";
import { auditTaskOf } from "../audit-task.js";
import type { Command } from "../command.js";
import { revisionOf } from "../copy.js";
import { originOfCopy } from "../copy-origin.js";
import type { Output } from "../output.js";
import { count } from "../progress.js";
import { openServerBucket } from "../source.js";

const DIFFERS = 1;

export const audit: Command = {
  name: "audit",
  usage: "BUCKET --path DIR --nats URL",
  summary:
    "Compares a copy with BUCKET, key by key and version by version: exit status 1 if it differs.",
  options: {
    path: {
      value: "DIR",
      help: "the directory of the copy, or a log; a mirror may be at work there",
    },
    nats: { value: "URL", help: "the server" },
    creds: { value: "FILE", help: "a credentials file for the server" },
    prefix: {
      value: "P",
      repeatable: true,
      help: "what the copy follows, only where it does not say so itself; may be repeated",
    },
  },
  positionals: [1, 1],
  async run(parsed, output) {
    const { bucket: bucketName, path, server, prefixes } = auditTaskOf(parsed);
    const stop = new AbortController();
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
    const origin = await originOfCopy(path);
    const scope = scopeOfCopy(path, origin, prefixes);
    const source = await openServerBucket(bucketName, server, stop.signal);
    try {
      await requireSameBucket(path, origin, source.bucket);
      if (origin === undefined) output.say(unknownOrigin(path, bucketName));
      const report = await compare(path, source.bucket, scope, stop.signal);
      await show(report, { bucket: bucketName, path, identified: origin !== undefined }, output);
      return isEqual(report) ? 0 : DIFFERS;
    } finally {
      await source.close();
    }
  },
};

/** What the log says that it follows; else what `--prefix` says. Another scope than the log's would find differences that are none. */
function scopeOfCopy(
  path: string,
  origin: CopyIdentity | undefined,
  asked: readonly string[],
): WatchScope {
  const given = asked.length === 0 ? undefined : scopeOf(asked);
  if (origin === undefined) return given ?? allKeys;
  const kept = scopeOf(origin.scope);
  if (given === undefined || JSON.stringify(prefixesOf(given)) === JSON.stringify(prefixesOf(kept)))
    return kept;
  const followed = kept.kind === "all" ? "every key" : prefixesOf(kept).join(", ");
  throw new MillpondError(
    "invalid-argument",
    `${path} follows ${followed || "no key"}, as it says itself`,
    {
      hint: "Leave --prefix out: it is for a log that does not say what it follows.",
    },
  );
}

function unknownOrigin(path: string, bucket: string): string {
  return `${path} does not say which bucket it is a copy of: it is compared with ${bucket} all the same`;
}

async function requireSameBucket(
  path: string,
  origin: CopyIdentity | undefined,
  bucket: KvStore,
): Promise<void> {
  const { name, created } = await bucket.info();
  if (origin === undefined || (origin.bucket === name && origin.created === created)) return;
  const what =
    origin.bucket === name ? `an earlier bucket ${name}, made` : `bucket ${origin.bucket}, made`;
  throw new MillpondError("cursor-expired", `${path} is the copy of ${what} ${origin.created}`, {
    hint: "A mirror of the bucket that is there now makes the copy equal to it.",
  });
}

async function compare(
  path: string,
  bucket: KvStore,
  scope: WatchScope,
  signal: AbortSignal,
): Promise<CopyReport> {
  await using follower = await openFollower({ path });
  await follower.ready({ signal });
  const copy = {
    bucket,
    scope,
    entries: () => follower.entries(),
    entry: (key: string) => follower.entry(key),
    cursor: () => follower.status().cursor,
  };
  return await auditCopy(copy, signal);
}

function isEqual({ missing, stale, extra }: CopyReport): boolean {
  return missing + stale + extra === 0;
}

async function show(
  report: CopyReport,
  compared: { readonly bucket: string; readonly path: string; readonly identified: boolean },
  output: Output,
): Promise<void> {
  const { differing, cursor, ...counts } = report;
  if (output.json) {
    for (const difference of differing) {
      await output.record({ event: "differs", ...shownDifference(difference) });
    }
    await output.record({
      event: "audited",
      ...compared,
      equal: isEqual(report),
      cursor: cursor.toHex(),
      ...counts,
    });
    return;
  }
  for (const difference of differing) {
    const { key, verdict, copy, bucket: there } = shownDifference(difference);
    await output.data(
      `${verdict} ${key}: ${copy ?? "none"} in the copy, ${there ?? "none"} in the bucket\n`,
    );
  }
  output.say(sentenceOf(report, compared.bucket));
}

function shownDifference({ key, verdict, copy, bucket }: Differing) {
  return {
    key,
    verdict,
    copy: copy === undefined ? null : revisionOf(copy),
    bucket: bucket === undefined ? null : revisionOf(bucket),
  };
}

function sentenceOf(report: CopyReport, bucket: string): string {
  const { cursor, records, entries, missing, stale, extra, behind, expired } = report;
  const at = `at cursor ${revisionOf(cursor) ?? "none"}, of ${count(records)} records of ${bucket}`;
  const verdict = isEqual(report)
    ? `equal: ${count(entries)} keys ${at}`
    : `differs: ${count(missing)} missing, ${count(stale)} stale and ${count(extra)} extra among ${count(entries)} keys ${at}`;
  const also = [
    ...(behind === 0 ? [] : [`${count(behind)} changed since`]),
    ...(expired === 0 ? [] : [`${count(expired)} are over and about to go`]),
  ];
  return [verdict, ...also].join("; ");
}
