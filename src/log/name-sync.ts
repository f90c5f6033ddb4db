/** Knows whether the name of a file is safe from a power loss: for that its directory is synced once it has been made, or renamed to its place. */
export class NameSync {
  readonly #syncDirectory: () => Promise<void>;
  /** Somebody has heard so. */
  #isSafe = false;
  /** The latest; one that failed stays until the next begins. */
  #running: Promise<void> | undefined;

  /** @param syncDirectory throws where the name may not be safe. */
  constructor(syncDirectory: () => Promise<void>) {
    this.#syncDirectory = syncDirectory;
  }

  /** The file got its name now. Whoever waits by {@link NameSync.ensure} hears how it ends. */
  begin(): void {
    this.#isSafe = false;
    const running = this.#syncDirectory();
    this.#running = running;
    // Where nobody waits for it yet it is no unhandled rejection.
    running.catch(() => undefined);
  }

  /**
   * Resolves once the name is safe. Throws what the last sync of the directory threw: the system may have given the name up, and a later sync
   * would say that all is well.
   */
  async ensure(): Promise<void> {
    if (this.#isSafe) return;
    if (this.#running === undefined) this.begin();
    const running = this.#running;
    await running;
    if (this.#running === running) this.#isSafe = true;
  }

  /** Waits for the sync that is under way, if any, and throws as it does. */
  async settled(): Promise<void> {
    await this.#running;
  }
}
