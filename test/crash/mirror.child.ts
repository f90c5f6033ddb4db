// Keeps copies of a bucket as it is told to (`orders.ts`), until it is killed: from without, or by itself at one of its file
// operations. Waits for its order, so that the next one can be up while the one before it is judged.
import { connect } from "../../src/nats/index.js";
import { KeptCopy } from "./kept-copy.js";
import type { MirrorMessage, MirrorOrder } from "./orders.js";

const copies: KeptCopy[] = [];

process.on("disconnect", () => process.exit());
process.on("message", (message: MirrorMessage) => {
  if (message.kind === "mirror") void mirror(message.order);
  else for (const copy of copies) void copy.close();
});

async function mirror(order: MirrorOrder): Promise<void> {
  copies.push(...order.copies.map((copy, index) => new KeptCopy(index, copy, order)));
  const connection = await connect({ servers: order.servers, waitForServer: false });
  const bucket = connection.bucket(order.bucket);
  await Promise.all(copies.map((copy) => copy.open(bucket)));
}
