export type { NatsBucket } from "./bucket.js";
export { connect, fromConnection, type ConnectOptions, type SharedOptions } from "./connect.js";
export type { BucketOptions, NatsConnection } from "./connection.js";
export type { Credentials } from "./credentials.js";
