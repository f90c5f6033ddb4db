import { MillpondError } from "../errors/index.js";
import type { ReplicaOptions } from "./options.js";

type Option = keyof ReplicaOptions;

/** What each option that is one of a few may be. */
const CHOICES = {
  expiry: ["mirror", "retain"],
  durability: ["process", "power"],
  format: [2, 3],
  onForeignCopy: ["replace", "throw"],
} as const satisfies { readonly [Name in Option]?: readonly ReplicaOptions[Name][] };

/** From plain JavaScript anything may come. Throws `invalid-argument`, naming the option. */
export function checkOptions(options: ReplicaOptions): void {
  if (typeof options !== "object" || options === null) throw notA("options", "an object", options);
  const given: Readonly<Partial<Record<Option, unknown>>> = options;
  const { source, path, scope } = given;
  if (!isBucket(source)) throw notA("source", "a bucket, as connection.bucket(name) gives", source);
  if (typeof path !== "string" || path === "") throw notA("path", "a directory's name", path);
  if (!isListOfStrings(scope)) throw notA("scope", "a list of prefixes", scope);
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = given[name as keyof typeof CHOICES];
    if (value === undefined || (choices as readonly unknown[]).includes(value)) continue;
    throw notA(name, choices.map((choice) => JSON.stringify(choice)).join(" or "), value);
  }
}

function isBucket(value: unknown): boolean {
  return typeof value === "object" && value !== null && "name" in value && "watch" in value;
}

function isListOfStrings(value: unknown): boolean {
  if (value === undefined) return true;
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function notA(name: string, wanted: string, value: unknown): MillpondError {
  return new MillpondError("invalid-argument", `${name} must be ${wanted}, not ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (Array.isArray(value)) return "a list of something else";
  return (typeof value === "object" && value !== null) || typeof value === "function"
    ? "such an object"
    : String(value);
}
