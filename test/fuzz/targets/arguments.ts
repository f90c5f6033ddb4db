import assert from "node:assert/strict";
import { commonOptions, parseCommandLine, type Parsed } from "../../../src/cli/arguments.js";
import { auditTaskOf } from "../../../src/cli/audit-task.js";
import { requirePositionals } from "../../../src/cli/command.js";
import { audit } from "../../../src/cli/commands/audit.js";
import { mirror } from "../../../src/cli/commands/mirror.js";
import { mirrorTaskOf } from "../../../src/cli/mirror-task.js";
import { run } from "../../../src/cli/run.js";
import type { KvStore } from "../../../src/kv/index.js";
import { checkOptions } from "../../../src/replica/check-options.js";
import { mutatedText } from "../mutate.js";
import { refusal, textTarget, type Verdict } from "../target.js";

const SECRET = "s3cr3t";
/** Arguments, parted by what none can hold. */
const PART = "\0";
const LINES = [
  [
    "mirror",
    "routes",
    "--to",
    "nowhere",
    "--nats",
    `nats://u:${SECRET}@h`,
    "--prefix",
    "a.",
    "--once",
  ],
  [
    "mirror",
    "routes",
    `--nats=nats://${SECRET}@h`,
    "--to=nowhere",
    "--format",
    "2",
    "--expiry",
    "retain",
  ],
  ["mirror", "routes", "--to", "nowhere", "--durability", "power", "--format=3", "--replace"],
  [
    "mirror",
    "routes",
    "--to",
    "nowhere",
    "--nats",
    "h",
    "--creds",
    "user.creds",
    "--expiry=mirror",
  ],
  ["audit", "routes", "--path", "nowhere", "--nats", `nats://u:${SECRET}@h`, "--json"],
  [
    "audit",
    "routes",
    "--path=nowhere",
    "--nats",
    "h",
    "--creds=user.creds",
    "--prefix=a.",
    "--prefix=b",
  ],
  ["get", "nowhere", "key", "--json"],
  ["ls", "nowhere", "--", "-x"],
  ["inspect", "nowhere", "nor-there", "--json"],
  ["cat", "nowhere"],
  ["verify", "nowhere", "--verbose"],
  ["compact", "nowhere"],
  ["convert", "nowhere", "nor-there", "--format", "3"],
  ["repair", "nowhere", "--dry-run"],
  ["help"],
  ["--version"],
  ["mirror", "--help"],
].map((parts) => parts.join(PART));
/** Those that would go to a server, or keep on: only what they are asked to do is found out. */
const LASTING = {
  mirror: [mirror, taskOfMirror],
  audit: [audit, taskOfAudit],
} as const;

/**
 * Any command line at all ends with a status and a sentence, or is read; it is never a fault of ours, and what stands after `--nats`
 * is never shown.
 */
async function check(text: string): Promise<Verdict> {
  const argv = text.split(PART);
  const [name = "", ...rest] = argv;
  if (name === "mirror" || name === "audit") {
    try {
      const [command, checkTask] = LASTING[name];
      const parsed = parseCommandLine(rest, { ...command.options, ...commonOptions });
      if (parsed.flag("help")) return "accepted";
      requirePositionals(command, parsed);
      checkTask(parsed);
      return "accepted";
    } catch (error) {
      assert.ok(!isShown(argv, String(error)), String(error));
      return refusal(error, ["invalid-argument", "invalid-key"]);
    }
  }
  let [out, err] = ["", ""];
  const status = await run(
    argv,
    sink((chunk) => (out += chunk)),
    sink((chunk) => (err += chunk)),
  );
  assert.ok([0, 1, 2].includes(status), `status ${status}`);
  assert.ok(!/^millpond: internal/m.test(err), err);
  if (argv.includes("--json") && status !== 2) {
    for (const line of out.split("\n").slice(0, -1)) if (line.startsWith("{")) JSON.parse(line);
  }
  return status === 2 ? "invalid-argument" : "accepted";
}

const SOURCE = { name: "routes", watch: () => undefined } as unknown as KvStore;

/** Each part of the task is what one option says, and all of it what a replica takes. */
function taskOfMirror(parsed: Parsed): void {
  const { bucket, directory, server, scope = [], store } = mirrorTaskOf(parsed);
  assert.deepEqual([bucket], parsed.positionals);
  assert.ok(directory !== "", "the copy would be made where the process happens to be");
  assert.equal(directory, parsed.one("to"));
  assert.deepEqual([server?.url, server?.credsFile], [parsed.one("nats"), parsed.one("creds")]);
  assert.deepEqual(scope, parsed.many("prefix"));
  for (const name of ["format", "durability", "expiry"] as const) {
    assert.equal(store[name]?.toString(), parsed.one(name));
  }
  checkOptions({ source: SOURCE, path: directory, scope, ...store });
}

function taskOfAudit(parsed: Parsed): void {
  const { bucket, path, server, prefixes } = auditTaskOf(parsed);
  assert.deepEqual([bucket], parsed.positionals);
  assert.ok(path !== "", "it would be looked for where the process happens to be");
  assert.equal(path, parsed.one("path"));
  assert.deepEqual([server.url, server.credsFile], [parsed.one("nats"), parsed.one("creds")]);
  assert.deepEqual(prefixes, parsed.many("prefix"));
}

/** Whether the value of an option is: not a word that the user put where a name belongs. */
function isShown(argv: readonly string[], shown: string): boolean {
  const values = argv.flatMap((part, index) =>
    part === "--nats" ? [argv[index + 1] ?? ""] : part.startsWith("--nats=") ? [part.slice(7)] : [],
  );
  return values.some((value) => value.includes(SECRET) && shown.includes(SECRET));
}

function sink(take: (chunk: string) => void): Parameters<typeof run>[1] {
  return {
    write(chunk) {
      take(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
      return true;
    },
    once: () => undefined,
  };
}

export const argumentsTarget = textTarget({
  name: "arguments",
  share: 100,
  check,
  generate: (random) => mutatedText(random, LINES),
});
