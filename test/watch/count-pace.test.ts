import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  asked,
  count,
  counting,
  endless,
  originOf,
  revisions,
  verdicts,
} from "../support/auditing.js";
import { Gate } from "../support/gate.js";
import { at, batchOf, put, removal, ScriptedSource } from "../support/scripted-source.js";
import { bring, turns, type Watching } from "../support/watching.js";

/** What delivers has been replaced `rebuilds` times, and nothing is missing as far as it knows. */
async function rebuilt(watching: Watching, rebuilds: number): Promise<void> {
  watching.source.current.give({ ...batchOf([], { cursor: at(9), caughtUp: true }), rebuilds });
  await turns(20);
  watching.clock.advance(10);
  await turns(20);
}

/** Whether the watch, level as it is, says that what may have been lost is still being looked for. */
async function isUnchecked(watching: Watching, rebuilds = 1): Promise<boolean> {
  await rebuilt(watching, rebuilds);
  return watching.events.findLast((event) => event.type === "progress")?.isUnchecked === true;
}

/** Has a source's counts fail until it is called. */
function failCounts(source: ScriptedSource): () => void {
  const countRecords = source.countRecords.bind(source);
  source.countRecords = (scope) => {
    source.calls.push("failed count");
    return Promise.reject(new Error(`not now, ${scope.kind}`));
  };
  return () => {
    source.countRecords = countRecords;
  };
}

describe("a count", () => {
  test("comes at once after what delivers was replaced, and need not be taken twice where nothing grows old", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2), removal("c", 7));
    await using watching = await counting(source);
    source.kept.delete("b");
    watching.source.current.give({
      ...batchOf([], { cursor: at(9), caughtUp: true }),
      rebuilds: 1,
    });
    await turns(60);
    assert.deepEqual(revisions(watching.store), ["a@1"]);
  });

  test("that is due at once is tried again soon, and until it has told nothing counts as proven", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    await using watching = await counting(source);
    const countRecords = source.countRecords.bind(source);
    let failures = 0;
    source.countRecords = async (scope) => {
      failures += 1;
      if (failures === 1) throw new Error("not now");
      return await countRecords(scope);
    };
    assert.ok(await isUnchecked(watching));
    assert.ok(await isUnchecked(watching));
    watching.clock.advance(1000);
    await turns(20);
    assert.ok(!(await isUnchecked(watching)));
    assert.equal(failures, 2);
  });

  test("comes every interval, give or take a quarter", async () => {
    for (const [random, atMs] of [
      [0, 45_000],
      [0.5, 60_000],
      [0.999_999, 75_000],
    ] as const) {
      const source = new ScriptedSource();
      source.keep(put("a", 1));
      await using watching = await counting(source, { random: () => random });
      watching.clock.advance(atMs - 1);
      await turns(20);
      assert.equal(asked(source, "count"), 1);
      watching.clock.advance(1);
      await turns(20);
      assert.equal(asked(source, "count"), 2);
    }
  });

  test("that is due at once and fails again and again is tried after longer and longer pauses", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    await using watching = await counting(source);
    for (const round of [1, 2]) {
      const mend = failCounts(source);
      await rebuilt(watching, round);
      source.calls.length = 0;
      for (const ms of [150, 250, 450]) {
        watching.clock.advance(ms - 20);
        await turns(20);
        const before = asked(source, "failed count");
        watching.clock.advance(20);
        await turns(20);
        assert.deepEqual([before, asked(source, "failed count")], [before, before + 1], `${ms}`);
      }
      mend();
      watching.clock.advance(5000);
      await turns(20);
      assert.equal(asked(source, "count"), 1);
    }
  });

  test("that is due at once leaves open what it could not tell, also where it was hurried meanwhile", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    await using watching = await counting(source);
    const gate = new Gate();
    source.countRecords = async () => {
      await gate.pass();
      return 1;
    };
    assert.ok(await isUnchecked(watching, 1));
    assert.ok(await isUnchecked(watching, 2));
    gate.release();
    await turns(20);
    assert.ok(await isUnchecked(watching, 2));
    gate.open();
    await turns(20);
    assert.ok(!(await isUnchecked(watching, 2)));
  });

  test("that is due at once and proves nothing is tried again after longer pauses, until an audit tells", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    const limits = { ...endless, allowsTtl: true, markerTtlMs: 1000 };
    await using watching = await counting(source, { origin: originOf({ limits }) });
    // A marker that may or may not have gone by now could stand in for a key that was lost.
    const timeMs = watching.clock.now();
    await bring(watching, [{ ...removal("c", 10), timeMs, ttlMs: 1000 }], { caughtUp: true });
    await rebuilt(watching, 1);
    source.calls.length = 0;
    for (const [ms, calls] of [
      [130, []],
      [20, ["count"]],
      [230, ["count"]],
      [20, ["count", "count", "list"]],
    ] as const) {
      watching.source.current.give({ ...batchOf([], { caughtUp: true }), rebuilds: 1 });
      watching.clock.advance(ms);
      await turns(20);
      const progress = watching.events.findLast(({ type }) => type === "progress");
      assert.ok(progress?.type === "progress");
      assert.equal(progress.isUnchecked, true);
      assert.deepEqual(source.calls, calls);
    }
    assert.ok(!(await isUnchecked(watching, 1)));
  });

  test("that is cut short by the end of the watch is not told of as failed", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    await using watching = await counting(source);
    const gate = new Gate();
    source.countRecords = async () => {
      await gate.pass();
      return 1;
    };
    await rebuilt(watching, 1);
    await watching.stop();
    assert.ok(!watching.events.some(({ type }) => type === "check-failed"));
  });
});

describe("an audit that a count leads to", () => {
  test("comes after three counts in a row that prove nothing", async () => {
    const source = new ScriptedSource();
    await using watching = await counting(source);
    let revision = 10;
    // A key comes between the question and the answer: it may stand in for one that was lost.
    source.countRecords = async () => {
      revision += 1;
      const news = put(`k${revision}`, revision);
      source.keep(...source.kept.values(), news);
      await bring(watching, [news]);
      return source.kept.size;
    };
    for (const audits of [0, 0, 1, 1, 1, 2]) {
      await count(watching);
      assert.equal(asked(source, "list"), audits);
    }
    assert.deepEqual(verdicts(watching), [true]);
  });

  test("that a marker's loss makes differ leads to an audit that finds nothing, and to none after that", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2), removal("c", 7));
    await using watching = await counting(source);
    source.kept.delete("c");
    await count(watching);
    assert.ok(watching.events.some(({ type }) => type === "audited"));
    await count(watching);
    assert.deepEqual(watching.events.at(-1), { type: "counted", ok: true });
    assert.equal(source.calls.filter((call) => call === "list").length, 1);
  });

  test("and that finds nothing comes less and less often while counts go on to differ", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    source.countRecords = () => Promise.resolve(5);
    await using watching = await counting(source);
    const audited: number[] = [];
    for (let counts = 1; counts <= 250; counts += 1) {
      if (asked(source, "list") > audited.length) audited.push(counts);
      await count(watching);
    }
    assert.deepEqual(audited, [1, 2, 5, 12, 27, 58, 121, 185, 249]);
    const listed = asked(source, "list");
    await rebuilt(watching, 1);
    assert.equal(asked(source, "list"), listed + 1);
    // One that finds something is no reason to wait longer for the next.
    source.keep(put("b", 2));
    await rebuilt(watching, 2);
    assert.deepEqual(revisions(watching.store), ["b@2"]);
    await count(watching);
    assert.equal(asked(source, "list"), listed + 3);
  });

  test("and that finds nothing explains the number that differed, and no other", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1));
    let records = 5;
    source.countRecords = () => Promise.resolve(records);
    await using watching = await counting(source);
    for (let counts = 1; counts <= 30; counts += 1) await count(watching);
    const listed = asked(source, "list");
    await count(watching);
    assert.equal(asked(source, "list"), listed);
    records = 4;
    await count(watching);
    assert.equal(asked(source, "list"), listed + 1);
  });

  test("comes at once, however many audits after a resume found nothing", async () => {
    const source = new ScriptedSource();
    source.keep(put("a", 1), put("b", 2));
    source.recordAt = () => Promise.resolve(undefined);
    await using watching = await counting(source);
    for (let resumes = 1; resumes <= 4; resumes += 1) {
      source.current.fail(new Error("line cut"));
      await turns(10);
      watching.clock.advance(200);
      await bring(watching, [], { cursor: at(9), caughtUp: true });
      await turns(30);
      assert.equal(asked(source, "list"), resumes);
    }
    source.kept.delete("b");
    await count(watching);
    assert.deepEqual(revisions(watching.store), ["a@1"]);
  });
});
