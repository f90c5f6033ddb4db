import { stat } from "node:fs/promises";
import { join } from "node:path";
import { MillpondError } from "../errors/index.js";
import { fillBucket, openInProcess, simulateAbsence, startTraffic } from "../in-process/index.js";
import type { KvStore } from "../kv/index.js";
import { connect } from "../nats/index.js";
import { LOG_NAME } from "../replica/index.js";
import { originOfCopy } from "./copy-origin.js";
import type { Output } from "./output.js";
import { count } from "./progress.js";

const DEMO_FOLDER = "demo-bucket";
const DEMO_BYTES = 64 * 1024 * 1024;

/** A bucket to mirror, and what has to be closed after it. */
export interface Source {
  readonly bucket: KvStore;
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly url: string;
  readonly credsFile: string | undefined;
}

/** The bucket on a server. Throws what `connect` throws. */
export async function openServerBucket(
  name: string,
  server: ServerOptions,
  signal: AbortSignal,
): Promise<Source> {
  const connection = await connect({
    servers: server.url,
    signal,
    ...(server.credsFile === undefined ? {} : { credsFile: server.credsFile }),
  });
  try {
    return { bucket: connection.bucket(name), close: () => connection.close() };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * A bucket in this process, kept in a folder beside the copy so that it survives as the copy does, with writers running. What
 * they would have written since the copy was last written to is written first: after a stop there is something to catch up
 * with. Throws `invalid-argument` where the directory holds a copy of anything else, unless that may be replaced.
 */
export async function openDemoBucket(
  name: string,
  { directory, replace }: { readonly directory: string; readonly replace: boolean },
  output: Output,
): Promise<Source> {
  if (!replace) await requireOwnCopy(directory);
  const connection = await openInProcess({ folder: join(directory, DEMO_FOLDER) });
  try {
    const bucket = await connection.createBucket(name, { maxBytes: DEMO_BYTES });
    if (!replace) await requireCopyOf(bucket, directory);
    const absentMs = await sinceLastWrite(join(directory, LOG_NAME));
    const filled = await fillBucket(bucket);
    const missed = filled > 0 ? 0 : await simulateAbsence(bucket, absentMs);
    output.say(demoNote(name, filled, missed));
    const traffic = startTraffic(bucket);
    return {
      bucket,
      async close() {
        await traffic.stop();
        await connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function demoNote(name: string, filled: number, missed: number): string {
  const since =
    filled > 0
      ? `made with ${count(filled)} keys`
      : `its writers wrote ${count(missed)} times since the last run, to the same key more than once`;
  return `demo bucket ${name} in this process, no server: ${since}`;
}

/** Milliseconds since the file was last written to; 0 where there is none. */
async function sinceLastWrite(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? 0 : Date.now() - found.mtimeMs;
}

/** Throws where the directory holds a copy, and no demo bucket that it could be of: nothing is made there then. */
async function requireOwnCopy(directory: string): Promise<void> {
  const isThere = async (name: string): Promise<boolean> =>
    (await stat(join(directory, name)).catch(() => undefined)) !== undefined;
  if (!(await isThere(LOG_NAME)) || (await isThere(DEMO_FOLDER))) return;
  throw wouldReplace(directory, "a copy, but not of a demo bucket");
}

/** Throws where the copy is of something else than this demo bucket: a server's may have followed on a demo's. */
async function requireCopyOf(bucket: KvStore, directory: string): Promise<void> {
  // What cannot be read, the mirror will say.
  const origin = await originOfCopy(directory).catch(() => undefined);
  if (origin === undefined || origin.created === (await bucket.info()).created) return;
  throw wouldReplace(
    directory,
    `a copy of another bucket, ${origin.bucket}, made ${origin.created}`,
  );
}

function wouldReplace(directory: string, what: string): MillpondError {
  return new MillpondError(
    "invalid-argument",
    `${directory} holds ${what}, which demo data would replace`,
    {
      hint: "Without --nats URL a demo bucket is mirrored. To have demo data in place of the copy: --replace.",
    },
  );
}
