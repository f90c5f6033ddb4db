// Compiles the kernel (src/kernel/assembly, AssemblyScript) to kernel.wasm in the folder named on the command line. The same
// sources give the same bytes, which are kept in .cache/: compiling takes seconds.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
} from "node:fs";
import { join } from "node:path";
import { main as compile, version } from "assemblyscript/asc";

const SOURCES = "src/kernel/assembly";
const CACHE = ".cache";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: build-kernel.mjs FOLDER");
const options = [
  ["-O3", "--converge", "--noAssert"],
  // Its memory has an allocator of its own, in heap.ts.
  ["--runtime", "stub"],
  ["--enable", "simd", "--enable", "bulk-memory", "--enable", "threads"],
  // Pages of 64 KiB: up to the heap and one more; all but one of 4 GiB. See layout.ts.
  // Shared, though only one thread uses it: growing memory that is not costs a garbage collection now and then, of up to
  // 90 ms (seen on Node 20), and empties all views.
  ["--initialMemory", "22", "--maximumMemory", "65535", "--sharedMemory"],
  // Made by the host, which may make it with a smaller maximum: see newKernel.
  ["--importMemory"],
].flat();

const hash = createHash("sha256").update(`${version} ${options.join(" ")}`);
for (const name of readdirSync(SOURCES).toSorted()) {
  hash.update(name).update(readFileSync(join(SOURCES, name)));
}
const compiled = join(CACHE, `kernel-${hash.digest("hex").slice(0, 16)}.wasm`);
if (!existsSync(compiled)) {
  mkdirSync(CACHE, { recursive: true });
  const unfinished = `${compiled}.${process.pid}`;
  const main = join(SOURCES, "main.ts");
  const { error } = await compile([main, ...options, "--outFile", unfinished], {
    stderr: process.stderr,
  });
  if (error !== null) throw error;
  renameSync(unfinished, compiled);
}
mkdirSync(folder, { recursive: true });
copyFileSync(compiled, join(folder, "kernel.wasm"));
