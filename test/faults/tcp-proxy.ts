import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/**
 * What the line does.
 *
 * - `pass`: all goes through.
 * - `cut`: every connection is closed, and none is taken.
 * - `swallow`: connections stay open and are taken, and nothing that is sent arrives. One that lost anything is never whole again:
 *   it goes on swallowing after the line was healed, as behind a router that forgot it.
 * - `hold`: nothing arrives for now, either way. What was sent arrives once the line is healed, as after a pulled plug.
 * - `hold-to-client`: the same, but what the client sends goes through.
 */
export type LineMode = "pass" | "cut" | "swallow" | "hold" | "hold-to-client";

/** A line to a server that can be made to fail in every way that lines fail. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open. */
  readonly open: number;
  set(mode: LineMode): void;
  /** Lets everything take this much longer, each way. */
  delay(ms: number): void;
  /** Back to `pass`, without a delay. */
  heal(): void;
}

/** A line to 127.0.0.1:`target`. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const server = createServer({ pauseOnConnect: true });
  const proxy = new Proxy(server, target);
  server.on("connection", (socket) => proxy.take(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return proxy;
}

class Proxy implements TcpProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #mode: LineMode = "pass";
  #delayMs = 0;

  constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get open(): number {
    return this.#pairs.size;
  }

  take(client: Socket): void {
    if (this.#mode === "cut") {
      client.destroy();
      return;
    }
    const pair = new Pair(client, connect(this.#target, "127.0.0.1"), () =>
      this.#pairs.delete(pair),
    );
    this.#pairs.add(pair);
    pair.set(this.#mode, this.#delayMs);
  }

  set(mode: LineMode): void {
    this.#mode = mode;
    for (const pair of this.#pairs) pair.set(mode, this.#delayMs);
  }

  delay(ms: number): void {
    this.#delayMs = ms;
    this.set(this.#mode);
  }

  heal(): void {
    this.#delayMs = 0;
    this.set("pass");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.set("cut");
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }
}

/** One connection: two sockets, and a direction each way. */
class Pair {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #toClient: Direction;
  readonly #toServer: Direction;

  constructor(client: Socket, upstream: Socket, onClose: () => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#toClient = new Direction(upstream, client);
    this.#toServer = new Direction(client, upstream);
    const close = (): void => {
      this.close();
      onClose();
    };
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => {}).on("close", close);
    }
  }

  set(mode: LineMode, delayMs: number): void {
    if (mode === "cut") this.close();
    const swallows = mode === "swallow";
    this.#toClient.set({ holds: mode === "hold" || mode === "hold-to-client", swallows, delayMs });
    this.#toServer.set({ holds: mode === "hold", swallows, delayMs });
  }

  close(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }
}

interface Behaviour {
  readonly holds: boolean;
  readonly swallows: boolean;
  readonly delayMs: number;
}

class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  #behaviour: Behaviour = { holds: false, swallows: false, delayMs: 0 };
  /** Something is missing: what follows makes no sense any more. */
  #broken = false;
  #delayed: { readonly due: number; readonly chunk: Buffer }[] = [];

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    from.on("data", (chunk: Buffer) => this.#onData(chunk));
    to.on("drain", () => this.#flow());
  }

  set(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
    this.#flow();
  }

  #flow(): void {
    // A paused socket fills up, and then its sender is the one that waits.
    if (this.#behaviour.holds || this.#to.writableNeedDrain) this.#from.pause();
    else this.#from.resume();
  }

  #onData(chunk: Buffer): void {
    this.#broken ||= this.#behaviour.swallows;
    if (this.#broken) return;
    if (this.#behaviour.delayMs === 0 && this.#delayed.length === 0) {
      this.#write(chunk);
      return;
    }
    const due = performance.now() + this.#behaviour.delayMs;
    this.#delayed.push({ due, chunk });
    if (this.#delayed.length === 1) this.#schedule(due);
  }

  #schedule(due: number): void {
    setTimeout(
      () => {
        const now = performance.now();
        const next = this.#delayed.findIndex((each) => each.due > now);
        const ready = this.#delayed.splice(0, next === -1 ? this.#delayed.length : next);
        for (const { chunk } of ready) this.#write(chunk);
        const [first] = this.#delayed;
        if (first !== undefined) this.#schedule(first.due);
      },
      Math.max(0, due - performance.now()),
    );
  }

  #write(chunk: Buffer): void {
    if (this.#to.writable && !this.#to.write(chunk)) this.#flow();
  }
}
