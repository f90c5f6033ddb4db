/** Wall-clock and processor time of what ran between `start` and `stop`, added up. */
export class Stopwatch {
  #wallMs = 0;
  #cpuUs = 0;
  #startedAt: number | undefined;
  #startedCpu: NodeJS.CpuUsage = { user: 0, system: 0 };

  start(): void {
    this.#startedCpu = process.cpuUsage();
    this.#startedAt = performance.now();
  }

  /** Nothing where it does not run. */
  stop(): void {
    if (this.#startedAt === undefined) return;
    this.#wallMs += performance.now() - this.#startedAt;
    const { user, system } = process.cpuUsage(this.#startedCpu);
    this.#cpuUs += user + system;
    this.#startedAt = undefined;
  }

  get wallMs(): number {
    return this.#wallMs;
  }

  /** Of all threads of the process. */
  get cpuMs(): number {
    return this.#cpuUs / 1000;
  }

  wallNsPer(count: number): number {
    return (this.#wallMs * 1e6) / count;
  }

  cpuNsPer(count: number): number {
    return (this.#cpuUs * 1000) / count;
  }
}
