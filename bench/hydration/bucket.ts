import { connect } from "../../src/nats/index.js";
import { startNatsServer, type NatsServer } from "../../test/support/nats-server.js";
import type { Dataset } from "../data.js";

export const BUCKET = "bench";
const SERVER = "2.15.1";
const BUCKET_BYTES_MAX = 4 * 1024 ** 3;
/** Puts on their way at a time. */
const AT_A_TIME = 500;

/** A real server whose files are in this directory. */
export function serve(storeDir: string): Promise<NatsServer> {
  return startNatsServer({ version: SERVER, storeDir });
}

/** Makes a bucket of `keys` keys, written in shuffled order, in the directory of a server that has ended by then. */
export async function fillBucket(data: Dataset, keys: number, storeDir: string): Promise<void> {
  await using server = await serve(storeDir);
  await using connection = await connect({ servers: server.url });
  const bucket = await connection.createBucket(BUCKET, { maxBytes: BUCKET_BYTES_MAX });
  const order = data.shuffled().filter((index) => index < keys);
  for (let from = 0; from < order.length; from += AT_A_TIME) {
    const puts = Array.from(order.subarray(from, from + AT_A_TIME), (index) =>
      bucket.put(data.key(index), data.value(index)),
    );
    await Promise.all(puts);
  }
  await server.stop();
}
