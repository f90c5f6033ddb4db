import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname } from "node:path";
import { LockedError } from "../errors/index.js";
import type { FileLock } from "./file-system.js";

/** BSD and macOS: take an exclusive `flock` together with the open. Node names no constant for it. */
const O_EXLOCK = 0x20;
const NAME_DIGITS = 32;
/** What follows the zero byte of an abstract name, in bytes; see {@link abstractSocketName}. */
const ABSTRACT_NAME_BYTES = 107;

/**
 * Takes the one writer's lock of the file at `path` (absolute, resolved; it need not exist). The kernel holds it on the
 * process's behalf, so `kill -9` frees it and a process id that is used again cannot fake it:
 *
 * - Linux: a socket in the abstract namespace, named after the directory's device and inode and the file's name.
 * - Windows: a named pipe of such a name.
 * - Elsewhere: an exclusive `flock` on `NAME.lock`.
 *
 * `NAME.lock` also tells the second one who holds the lock; nothing is decided by what it says. Not covered: a file's
 * other names (hard links; the log refuses such a file), processes in different network namespaces (containers that
 * share a volume but not a network) and different machines on a network file system.
 */
export async function lockForWriting(path: string): Promise<FileLock> {
  const note = `${path}.lock`;
  const name = await socketName(path);
  return await (name === undefined ? lockByFlock(path, note) : lockBySocket(path, note, name));
}

/**
 * Whether somebody holds the lock that {@link lockForWriting} takes: a call on the socket tells, which its holder hangs up.
 * `undefined` where the lock is no socket, since a `flock` can only be tried by taking it.
 */
export async function isLockedForWriting(path: string): Promise<boolean | undefined> {
  const name = await socketName(path).catch(() => undefined);
  if (name === undefined) return undefined;
  return await new Promise((resolve) => {
    const socket = connect({ path: name });
    const answer = (held: boolean | undefined): void => {
      socket.destroy();
      resolve(held);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", ({ code }: NodeJS.ErrnoException) => {
      answer(code === "ECONNREFUSED" || code === "ENOENT" ? false : undefined);
    });
  });
}

/** `undefined` where the lock is not a socket. */
async function socketName(path: string): Promise<string | undefined> {
  const { platform } = process;
  if (platform === "linux" || platform === "android") {
    return abstractSocketName(await lockName(path));
  }
  return platform === "win32" ? `\\\\.\\pipe\\millpond-${await lockName(path)}` : undefined;
}

/**
 * The name of the socket in Linux's abstract namespace. It fills all 108 bytes of `sun_path`, because the length of what
 * is bound depends on the Node version: Node 20 (libuv 1.46) binds all 108 bytes, with zeros after a shorter name, Node 22
 * and later bind the name alone. To the kernel those are two names, and each would let a writer in. A longer name is
 * refused by Node 26.
 */
export function abstractSocketName(digits: string): string {
  return `\0${`millpond-${digits}`.padEnd(ABSTRACT_NAME_BYTES, "-")}`;
}

/** The same for every path that leads to the same name in the same directory. */
async function lockName(path: string): Promise<string> {
  const { dev, ino } = await stat(dirname(path), { bigint: true });
  const identity = `${dev}:${ino}:${basename(path)}`;
  return createHash("sha256").update(identity).digest("hex").slice(0, NAME_DIGITS);
}

async function lockBySocket(path: string, note: string, name: string): Promise<FileLock> {
  let server: Server;
  try {
    server = await listen(name);
  } catch (error) {
    if (isTaken(error)) throw new LockedError(path, await readPid(note));
    throw error;
  }
  await writePid(note);
  let released: Promise<void> | undefined;
  return { release: () => (released ??= releaseSocket(server, note)) };
}

function listen(name: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once("error", reject);
    // Exclusive: a cluster's workers would otherwise share the socket, and so the lock.
    server.listen({ path: name, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

function isTaken(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EADDRINUSE" || (process.platform === "win32" && code === "EACCES");
}

/** The note goes first: removed after the lock is free, it could be the next holder's. */
async function releaseSocket(server: Server, note: string): Promise<void> {
  await rm(note, { force: true }).catch(() => undefined);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}

/** `NAME.lock` stays behind here: removing a file that others may have open to lock it would let two in. */
async function lockByFlock(path: string, note: string): Promise<FileLock> {
  const { O_RDWR, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;
  const flags = O_RDWR | O_CREAT | O_NONBLOCK | O_NOFOLLOW | O_EXLOCK;
  try {
    const handle = await open(note, flags, 0o600);
    await handle.truncate(0).catch(() => undefined);
    await handle.write(`${process.pid}\n`, 0).catch(() => undefined);
    let released: Promise<void> | undefined;
    return { release: () => (released ??= handle.close()) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EAGAIN" || code === "EWOULDBLOCK") {
      throw new LockedError(path, await readPid(note));
    }
    throw error;
  }
}

/**
 * A note that cannot be written (a full disk) costs only the process id in the other one's message. It is made anew: what
 * is there may be a link to a file that is not ours to write.
 */
async function writePid(note: string): Promise<void> {
  try {
    await rm(note, { force: true });
    await writeFile(note, `${process.pid}\n`, { mode: 0o600, flag: "wx" });
  } catch {
    return;
  }
}

async function readPid(note: string): Promise<number | undefined> {
  return pidIn(await readFile(note, "utf8").catch(() => ""));
}

/** The process id that a lock's note tells; `undefined` where it tells none. */
export function pidIn(note: string): number | undefined {
  return /^[1-9]\d{0,9}\n$/.test(note) ? Number(note) : undefined;
}
