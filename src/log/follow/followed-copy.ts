import type { LogVisitor } from "../visitor.js";

/** What a follower builds: it is handed what the log holds, and is put in order before anybody sees it. */
export interface FollowedCopy extends LogVisitor {
  /** As {@link LogVisitor.batch}; all of it takes effect, or where it throws nothing. */
  batch(body: Uint8Array): void;
  /** Called once, when all that the file had is in it. */
  settle(): Promise<void>;
}
