/** After collections, and a moment for the collector's helpers to give pages back. */
export async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("needs node --expose-gc");
  for (let round = 0; round < 3; round += 1) {
    await gc({ type: "major", execution: "async" });
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  return process.memoryUsage();
}
