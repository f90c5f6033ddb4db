import assert from "node:assert/strict";
import { isMillpondError } from "../../../src/errors/index.js";
import { Arena } from "../../../src/kernel/index.js";
import { parseBatch } from "../../../src/log/v3/batch.js";
import { randomBatches } from "../../support/random-batches.js";
import { bodyOf } from "../../support/record-batch.js";
import { integerBelow } from "../../support/seed.js";
import { State, stateText } from "../../log/sweep/outcome.js";
import { mutatedBytes } from "../mutate.js";
import { bytesTarget, refusal, type Verdict } from "../target.js";

const CORPUS = Array.from({ length: 64 }, (_, seed) => {
  const [batch] = randomBatches(seed, 1);
  return Buffer.from(bodyOf(batch?.updates ?? [], batch?.position));
});

let arena: Arena | undefined;

/** The body of a batch: the parser and the copy in WASM memory take the same from it or refuse it both, and written again it says the same. */
function check(body: Buffer): Verdict {
  arena ??= new Arena({ seed: 1 });
  arena.clear();
  let batch: ReturnType<typeof parseBatch>;
  try {
    batch = parseBatch(body, false);
  } catch (error) {
    const code = refusal(error, ["invalid-format"]);
    assert.throws(
      () => arena?.stage(body),
      (thrown) => isMillpondError(thrown, "invalid-format"),
    );
    assert.equal(arena.size, 0);
    return code;
  }
  const state = new State();
  for (const update of batch.updates) state.update(update);
  if (batch.position !== undefined) state.position(batch.position);
  arena.stage(body);
  arena.commit();
  assert.equal(stateText(arena.range(""), arena.position()), state.text);
  const again = Buffer.from(bodyOf(batch.updates, batch.position));
  assert.deepEqual(parseBatch(again, false), batch, "written again it says something else");
  const { updates } = parseBatch(body, true);
  assert.ok(updates.every((update) => update.kind !== "put" || update.value.length === 0));
  return "accepted";
}

export const batchTarget = bytesTarget({
  name: "batch",
  share: 1000,
  check,
  generate: (random) =>
    mutatedBytes(random, CORPUS[integerBelow(random, CORPUS.length)] as Buffer, CORPUS),
});
