export type { FollowedCopy } from "./followed-copy.js";
export { LogFollower, type FollowCounts, type Look } from "./log-follower.js";
