import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Input, Target } from "./target.js";

const FOLDER = join("test", "fixtures", "fuzz");

/** An input that once failed: `TARGET--WHAT.bin`, or for a text `TARGET--WHAT.json`, a JSON string. */
export interface KeptCase {
  readonly file: string;
  readonly target: string;
  readonly input: Input;
}

export function keptCases(): KeptCase[] {
  return readdirSync(FOLDER).map((file) => {
    const [target = ""] = file.split("--");
    const bytes = readFileSync(join(FOLDER, file));
    const input = file.endsWith(".json") ? (JSON.parse(bytes.toString()) as string) : bytes;
    return { file, target, input };
  });
}

/** Returns the path. */
export async function keep(target: Target, what: string, input: Input): Promise<string> {
  const ending = target.kind === "text" ? "json" : "bin";
  const path = join(FOLDER, `${target.name}--${what}.${ending}`);
  await writeFile(path, typeof input === "string" ? `${JSON.stringify(input)}\n` : input);
  return path;
}
