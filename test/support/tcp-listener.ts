import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

/** A server of TCP only: it takes connections, and says what it is told to say. */
export interface TcpListener extends AsyncDisposable {
  readonly address: string;
  /** Connections ever taken, and those of them that are open. */
  readonly taken: number;
  readonly open: number;
}

export async function listen(
  onSocket: (socket: Socket) => void = () => {},
  port = 0,
): Promise<TcpListener> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}).resume());
    onSocket(socket);
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get taken() {
      return sockets.length;
    },
    get open() {
      return sockets.filter(({ closed }) => !closed).length;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Plays a server of this version, as far as a client needs that to be connected. */
export function posingAs(version: string): (socket: Socket) => void {
  const info = { server_id: "X", version, proto: 1, headers: true, max_payload: 1024 };
  return (socket) => {
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on("data", (data) => {
      if (data.toString().includes("PING")) socket.write("PONG\r\n");
    });
  };
}
