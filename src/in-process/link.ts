import { notConnected } from "./failures.js";

/** Whether a connection can be used, and who wants to know when that changes. */
export class Link {
  #state: "up" | "down" | "closed" = "up";
  readonly #listeners = new Set<() => void>();

  get state(): "up" | "down" | "closed" {
    return this.#state;
  }

  set(state: "up" | "down" | "closed"): void {
    if (this.#state === "closed" || this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }

  /** Throws `not-connected` unless the link is up. */
  require(): void {
    if (this.#state !== "up") throw notConnected(this.#state === "closed");
  }

  /** Calls `listener` after each change; the function returned ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
