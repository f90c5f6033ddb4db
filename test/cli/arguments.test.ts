import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseCommandLine } from "../../src/cli/arguments.js";
import { auditTaskOf } from "../../src/cli/audit-task.js";
import { audit } from "../../src/cli/commands/audit.js";
import { mirror } from "../../src/cli/commands/mirror.js";
import { mirrorTaskOf } from "../../src/cli/mirror-task.js";
import { isMillpondError } from "../../src/errors/index.js";

const options = {
  to: { value: "DIR", help: "" },
  prefix: { value: "P", repeatable: true, help: "" },
  once: { help: "" },
};

describe("a command line", () => {
  test("gives positionals, switches, single and repeated options in order", () => {
    const parsed = parseCommandLine(
      ["routes", "--prefix", "a.", "--to=d", "--prefix=b.", "--once"],
      options,
    );
    assert.deepEqual(parsed.positionals, ["routes"]);
    assert.deepEqual(parsed.many("prefix"), ["a.", "b."]);
    assert.equal(parsed.one("to"), "d");
    assert.ok(parsed.flag("once"));
  });

  test("leaves absent options out", () => {
    const parsed = parseCommandLine([], options);
    assert.equal(parsed.one("to"), undefined);
    assert.deepEqual(parsed.many("prefix"), []);
    assert.ok(!parsed.flag("once"));
  });

  test("is refused with an unknown option, a missing value, or a single option given twice", () => {
    for (const argv of [["--unknown"], ["--to"], ["--to", "a", "--to", "b"], ["--once=yes"]]) {
      assert.throws(
        () => parseCommandLine(argv, options),
        (error) => isMillpondError(error, "invalid-argument"),
      );
    }
  });

  test("is no task where a directory or a server is an empty name: not the directory of the process", () => {
    const tasks = [
      () => mirrorTaskOf(parseCommandLine(["routes", "--to", ""], mirror.options)),
      () => auditTaskOf(parseCommandLine(["routes", "--path", "", "--nats", "h"], audit.options)),
      () => auditTaskOf(parseCommandLine(["routes", "--path", "d", "--nats", ""], audit.options)),
    ];
    for (const task of tasks)
      assert.throws(task, { code: "invalid-argument", message: /is empty/ });
  });
});
