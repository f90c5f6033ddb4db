import type { LogCodec, LogFormat } from "./codec.js";
import { v2Codec } from "./v2/index.js";
import { v3Codec } from "./v3/index.js";

const codecs: Readonly<Record<LogFormat, LogCodec>> = { 2: v2Codec, 3: v3Codec };

export function codecOf(format: LogFormat): LogCodec {
  return codecs[format];
}
