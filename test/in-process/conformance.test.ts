import { isMillpondError } from "../../src/errors/index.js";
import {
  describeBucket,
  openInProcess,
  type BucketHarness,
  type InProcessOptions,
} from "../../src/testing/index.js";

function inProcess(options: InProcessOptions): BucketHarness {
  return {
    async open() {
      const connection = await openInProcess(options);
      const opened = [connection];
      return {
        connection,
        async connect() {
          const another = connection.connect();
          opened.push(another);
          return another;
        },
        operator: {
          async deleteBucket(name) {
            try {
              await connection.deleteBucket(name);
            } catch (error) {
              if (!isMillpondError(error, "bucket-not-found")) throw error;
            }
          },
          evictBefore: (name, sequence) => connection.bucket(name).evictBefore(sequence),
          deleteMessage: (name, sequence) => connection.bucket(name).deleteMessage(sequence),
          async putRaw(name, key, value) {
            await connection.bucket(name).putRaw(key, value);
          },
        },
        async [Symbol.asyncDispose]() {
          for (const each of opened) await each.close();
        },
      };
    },
  };
}

describeBucket("in process", inProcess({}));
describeBucket("in process, without times to live", inProcess({ ttl: false }));
