import {
  type CaseOutcome,
  compareOutcomes,
  compareVerdicts,
  type FuzzCase,
  type FuzzJudge,
  type FuzzRunner,
  fuzz,
  generateCase,
  instructionCount,
  mutateCase,
  programSeed,
  shrinkCase,
  withFilledStack,
} from "@bpfkit/fuzz";
import { decode, rowOf, validate } from "@bpfkit/isa";
import { describe, expect, test } from "vitest";

const calm: CaseOutcome = { runs: [], maps: {} };

/** An engine that answers by looking at the code: r0 is how many instructions of some rows there are. */
function counting(name: string, rows: RegExp): FuzzRunner {
  const count = (subject: FuzzCase): number =>
    subject.programs.reduce(
      (sum, { code }) => sum + decode(code).filter((one) => rows.test(rowOf(one).name)).length,
      0,
    );
  return {
    name,
    run: (subject) => ({ runs: subject.runs.map(() => ({ r0: BigInt(count(subject)) })), maps: {} }),
  };
}

const subject = generateCase(programSeed(5, 5), "maps");
const side = { name: "one" };
const other = { name: "other" };
const runs = (...r0: bigint[]): CaseOutcome => ({ runs: r0.map((value) => ({ r0: value })), maps: {} });

describe("outcomes are held against each other", () => {
  const three: FuzzCase = { ...subject, runs: [0, 1, 2].map(() => subject.runs[0]!) };

  test.each([
    { name: "equal ones", left: runs(1n, 2n, 3n), right: runs(1n, 2n, 3n), what: undefined },
    { name: "r0", left: runs(1n, 2n, 3n), right: runs(1n, 9n, 3n), what: "r0 of run 1 (entry)" },
    {
      name: "the high half of r0",
      left: runs(1n, 2n, 3n),
      right: runs(1n, 2n, 3n + 2n ** 40n),
      what: "r0 of run 2 (entry)",
    },
    { name: "a missing run", left: runs(1n, 2n, 3n), right: runs(1n, 2n), what: "r0 of run 2 (entry)" },
    {
      name: "a fault",
      left: runs(1n, 2n, 3n),
      right: { ...runs(1n, 2n, 3n), runs: [{ r0: 1n, fault: "read" }, ...runs(2n, 3n).runs] },
      what: "fault of run 0 (entry)",
    },
    {
      name: "a packet",
      left: { ...calm, runs: [{ r0: 1n, data: Uint8Array.of(1) }, ...runs(2n, 3n).runs] },
      right: { ...calm, runs: [{ r0: 1n, data: Uint8Array.of(2) }, ...runs(2n, 3n).runs] },
      what: "packet after run 0 (entry)",
    },
    {
      name: "a context field",
      left: { ...calm, runs: [{ r0: 1n, ctx: { mark: 7n, cb0: 0n } }, ...runs(2n, 3n).runs] },
      right: { ...calm, runs: [{ r0: 1n, ctx: {} }, ...runs(2n, 3n).runs] },
      what: "context after run 0 (entry)",
    },
    {
      name: "a map's value",
      left: { ...runs(1n, 2n, 3n), maps: { hash: [["00", "01"]] as const } },
      right: { ...runs(1n, 2n, 3n), maps: { hash: [["00", "02"]] as const } },
      what: "key 00 of map hash",
    },
    {
      name: "a key that is not there",
      left: { ...runs(1n, 2n, 3n), maps: { hash: [["00", "01"]] as const } },
      right: { ...runs(1n, 2n, 3n), maps: { hash: [] } },
      what: "key 00 of map hash",
    },
    {
      name: "acceptance",
      left: { ...calm, rejection: { program: "entry", reason: "no" } },
      right: runs(1n, 2n, 3n),
      what: "acceptance",
    },
  ])("$name", ({ left, right, what }) => {
    expect(compareOutcomes(three, [side, left], [other, right])?.what).toBe(what);
  });

  test("where one tells 32 bits of r0, only they count", () => {
    const one: FuzzCase = { ...subject, runs: subject.runs.slice(0, 1) };
    const [left, right] = [runs(7n), runs(7n + 2n ** 40n)];
    expect(compareOutcomes(one, [{ ...side, returnBits: 32 }, left], [other, right])).toBeUndefined();
  });
});

test("of verdicts, what is accepted and should not be comes first", () => {
  const many = generateCase(programSeed(5, 6), "program-arrays");
  const verdicts = (...accepted: boolean[]) =>
    many.programs.map((_, i) =>
      accepted[i] ? { verdict: "accept" as const } : { verdict: "reject" as const, errno: "EINVAL" },
    );
  const difference = compareVerdicts(many, ["ours", verdicts(false, true)], ["kernel", verdicts(true, false)]);
  expect(difference).toMatchObject({ what: "verdict on member1", unsound: true });
  expect(compareVerdicts(many, ["ours", verdicts(true)], ["kernel", verdicts(true)])).toBeUndefined();
});

test("a session without a difference counts what it made", () => {
  const seen: number[] = [];
  const runners = [counting("one", /./), counting("other", /./)];
  const report = fuzz({ seed: 3, programs: 400, runners, onProgress: ({ programs }) => seen.push(programs) });
  expect(report.finding).toBeUndefined();
  expect(report.coverage.programs).toBeGreaterThanOrEqual(400);
  expect(report.coverage.classes.map((row) => row.accepted)).toEqual(report.coverage.classes.map((row) => row.cases));
  expect(seen.length).toBeGreaterThan(1);
});

test("a session stops at the first difference with a small case that tells its seed", () => {
  const runners = [counting("measure", /mul|xchg/), counting("wrong", /xchg/)];
  const { finding } = fuzz({ seed: 3, programs: 1000, runners });
  expect(finding?.difference.what).toBe("r0 of run 0 (entry)");
  expect(instructionCount(finding!.subject)).toBe(1);
  expect(finding!.difference.right.value).toBe("1");
  expect(finding!.file).toMatchObject({
    id: `fuzz-${finding!.subject.class}-${finding!.subject.seed}`,
    note: expect.stringContaining(`seed ${finding!.subject.seed}`),
    runs: [{ program: "entry", expect: { retval: 1 } }],
  });
  expect(fuzz({ seed: 3, programs: 1000, runners }).finding).toEqual(finding);
});

test("a smaller case on which engines may differ is none", () => {
  const runners = [counting("measure", /mul|xchg/), counting("wrong", /xchg/)];
  const isOpen = (candidate: FuzzCase): boolean => instructionCount(candidate) < 4;
  const { finding } = fuzz({ seed: 3, programs: 1000, runners, isOpen });
  expect(instructionCount(finding!.subject)).toBe(4);
});

test("what the measure refuses is not run elsewhere and counts as not accepted", () => {
  const refusing: FuzzRunner = { name: "no", run: () => ({ ...calm, rejection: { program: "entry", reason: "no" } }) };
  const never: FuzzRunner = {
    name: "never",
    run: () => {
      throw new Error("it was run");
    },
  };
  const { coverage } = fuzz({ seed: 1, programs: 50, runners: [refusing, never] });
  expect(coverage.accepted).toBe(0);
});

test("where the measure tells half of r0, the others are held against the first that tells all of it", () => {
  const r0 = (value: bigint, name: string): FuzzRunner => ({
    name,
    run: (one) => ({ runs: one.runs.map(() => ({ r0: value })), maps: {} }),
  });
  const half: FuzzRunner = { ...r0(7n, "half"), returnBits: 32 };
  const high = 2n ** 40n + 7n;
  expect(fuzz({ seed: 1, programs: 20, runners: [half, r0(high, "a"), r0(high, "b")] }).finding).toBeUndefined();
  const { finding } = fuzz({ seed: 1, programs: 20, runners: [half, r0(high, "a"), r0(7n, "b")] });
  expect(finding?.difference).toMatchObject({ left: { engine: "b", value: "7" }, right: { engine: "a" } });
});

test("what an engine is not asked about is counted, with the first reason, and no difference", () => {
  const one = counting("one", /./);
  const picky: FuzzRunner = {
    name: "picky",
    run: (subject) => {
      const skipped = { program: "entry", reason: `class ${subject.class}` };
      return subject.class === "maps" || subject.class === "packet" ? { ...calm, skipped } : one.run(subject);
    },
  };
  const report = fuzz({ seed: 1, programs: 100, runners: [one, picky, one] });
  expect(report.finding).toBeUndefined();
  expect(report.coverage.accepted).toBe(report.coverage.cases);
  const cases = report.coverage.classes.filter((row) => row.class === "maps" || row.class === "packet");
  expect(report.skipped).toMatchObject([
    {
      engine: "picky",
      cases: cases.reduce((sum, row) => sum + row.cases, 0),
      first: { class: "packet", program: "entry", reason: "class packet" },
    },
  ]);
});

test("slightly wrong programs are put to both judges, and the case expects what the second says", () => {
  const judge = (name: string, rejects: (code: Uint8Array) => boolean): FuzzJudge => ({
    name,
    verdicts: ({ programs }) =>
      programs.map(({ code }) =>
        rejects(code) ? { verdict: "reject", errno: "EINVAL", message: "no" } : { verdict: "accept" },
      ),
  });
  const lenient = judge("ours", () => false);
  const strict = judge("kernel", (code) => code.length >= 16 && code.filter((byte) => byte === 0x27).length > 0);
  const { finding, verdicts } = fuzz({
    seed: 8,
    programs: 500,
    runners: [counting("one", /./)],
    judges: [lenient, strict],
  });
  expect(finding?.difference).toMatchObject({ left: { engine: "ours", value: "accept" }, unsound: true });
  expect(finding!.file["programs"]).toContainEqual(
    expect.objectContaining({ expect: expect.objectContaining({ verdict: "reject" }) }),
  );
  expect(verdicts.compared).toBeGreaterThan(0);
});

test("wrong programs are still instructions, the same for the same seed, and mostly not what they were", () => {
  let changed = 0;
  for (let i = 0; i < 200; i++) {
    const seed = programSeed(77, i);
    const right = generateCase(seed, "packet");
    const wrong = mutateCase(right, seed);
    expect(wrong).toEqual(mutateCase(right, seed));
    for (const { code } of wrong.programs) validate(code);
    if (wrong.programs.some(({ code }, at) => Buffer.compare(code, right.programs[at]!.code) !== 0)) changed++;
  }
  expect(changed).toBeGreaterThan(140);
});

test("a stack is filled in every function before anything else", () => {
  const right = generateCase(programSeed(6, 6), "subprograms");
  const settled = withFilledStack(right);
  const [source] = right.sources;
  const functions = [
    source!.stackBytes,
    ...source!.items.flatMap((item) => ("stackBytes" in item ? [item.stackBytes!] : [])),
  ];
  const added = functions.reduce((sum, bytes) => sum + bytes / 8, 0);
  expect(instructionCount(settled)).toBe(instructionCount(right) + added);
  for (const { code } of settled.programs) validate(code);
});

test("a difference that only old stack or addresses make is not shrunk into another", () => {
  // Says how often it was asked, as an engine that lets old bytes out would.
  let asked = 0;
  const unsteady: FuzzRunner = {
    name: "unsteady",
    run: (one) => ({ runs: one.runs.map(() => ({ r0: BigInt(asked++) })), maps: {} }),
  };
  const { finding } = fuzz({ seed: 2, programs: 10, runners: [counting("one", /mul/), unsteady] });
  expect(finding?.subject).toEqual(generateCase(finding!.subject.seed, finding!.subject.class));
});

test("shrinking keeps what must hold and nothing else", () => {
  const big = generateCase(programSeed(5, 7), "program-arrays");
  const holds = (candidate: FuzzCase): boolean =>
    candidate.programs.some(({ code }) => decode(code).some((one) => rowOf(one).name === "exit")) &&
    candidate.runs.length > 0;
  const small = shrinkCase(big, holds);
  expect(holds(small)).toBe(true);
  expect([small.programs.length, instructionCount(small), small.runs.length, small.slots.length]).toEqual([1, 1, 1, 0]);
  expect(small.runs[0]!.data).toEqual(new Uint8Array(14));
  let asked = 0;
  shrinkCase(big, () => ++asked > 0, { attempts: 10 });
  expect(asked).toBeLessThanOrEqual(10);
});
