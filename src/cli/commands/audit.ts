import { stat } from "node:fs/promises";
import { join } from "node:path";
import { MillpondError } from "../../errors/index.js";
import { type KvStore, scopeOf, type WatchScope } from "../../kv/index.js";
import { inspectLog } from "../../log/index.js";
import { LOG_NAME, openFollower, originOf } from "../../replica/index.js";
import type { CopyIdentity } from "../../rules/index.js";
import { usageError } from "../arguments.js";
import { auditCopy, type CopyReport, type Differing } from "../audit-copy.js";
import type { Command } from "../command.js";
import { revisionOf } from "../copy.js";
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
      help: "what the copy follows, where the log does not say; may be repeated",
    },
  },
  positionals: [1, 1],
  async run(parsed, output) {
    const [bucketName = ""] = parsed.positionals;
    const path = parsed.one("path");
    const url = parsed.one("nats");
    if (path === undefined) throw usageError("--path DIR is missing");
    if (url === undefined) throw usageError("--nats URL is missing");
    const prefixes = parsed.many("prefix");
    const asked = prefixes.length === 0 ? undefined : scopeOf(prefixes);
    const stop = new AbortController();
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
    const origin = await originOfCopy(path);
    const server = { url, credsFile: parsed.one("creds") };
    const source = await openServerBucket(bucketName, server, stop.signal);
    try {
      await requireSameBucket(path, origin, source.bucket);
      const scope = asked ?? scopeOf(origin?.scope);
      const report = await compare(path, source.bucket, scope, stop.signal);
      await show(report, bucketName, path, output);
      return isEqual(report) ? 0 : DIFFERS;
    } finally {
      await source.close();
    }
  },
};

/** `undefined` where the log does not say: one of format 2. Throws where there is nothing to compare. */
async function originOfCopy(path: string): Promise<CopyIdentity | undefined> {
  const found = await stat(path).catch(() => undefined);
  const log = found?.isDirectory() === true ? join(path, LOG_NAME) : path;
  const report = await inspectLog(log);
  if (report.result === "error") {
    const { code, message, hint } = report;
    throw new MillpondError(code, message, hint === undefined ? {} : { hint });
  }
  if (report.result === "none") {
    throw new MillpondError("io", `${log} holds no copy`, {
      hint: "Give the directory that `millpond mirror BUCKET --to DIR` keeps, or a log in it.",
    });
  }
  return report.origin === undefined ? undefined : originOf(report.origin);
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
  bucket: string,
  path: string,
  output: Output,
): Promise<void> {
  const { differing, cursor, ...counts } = report;
  if (output.json) {
    for (const difference of differing) {
      await output.record({ event: "differs", ...shownDifference(difference) });
    }
    await output.record({
      event: "audited",
      bucket,
      path,
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
  output.say(sentenceOf(report, bucket));
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
