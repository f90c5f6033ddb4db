import { MsgHdrsImpl, type Msg, type MsgHdrs } from "@nats-io/nats-core/internal";

interface Parts {
  readonly subject: string;
  readonly reply: string;
  readonly data: Uint8Array;
}

/**
 * A message with headers of these bytes, as the client makes it (3.4.0): headers and data are one piece of what came from the
 * socket, and the headers are read when they are asked for, which may throw.
 */
export function delivered(
  headerBytes: Uint8Array,
  { subject, reply, data }: Parts = { subject: "$KV.b.k", reply: "", data: Buffer.from("value") },
): Msg {
  const before = Buffer.from("what came before it");
  const piece = Uint8Array.from(Buffer.concat([before, headerBytes, data]));
  const start = before.length + headerBytes.length;
  const bytes = Buffer.byteLength(subject) + Buffer.byteLength(reply);
  const message = {
    subject,
    reply,
    data: piece.subarray(start),
    size: () => bytes + headerBytes.length + data.length,
    get headers(): MsgHdrs {
      return MsgHdrsImpl.decode(headerBytes);
    },
  };
  return message as unknown as Msg;
}
