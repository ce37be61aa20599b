import { parse } from "@bpfkit/asm";
import { type CaseOutcome, CLASSES, checkClaims, type FuzzRunner, fuzz, generateCase, programSeed } from "@bpfkit/fuzz";
import { helperTable } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { kernelAvailability } from "@bpfkit/kernel";
import { parseCase, programFromCode, runCase } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { comparesAddresses } from "../src/fuzz/addresses.js";
import { claimChecker } from "../src/fuzz/claim-checker.js";
import { fuzzEngines } from "../src/fuzz/engines.js";
import { kernelJudge, kernelRunner } from "../src/fuzz/kernel-runner.js";
import { vmRunner } from "../src/fuzz/vm-runner.js";

const answer = kernelAvailability();
const missing = answer.available ? "" : ` (${answer.reason})`;
const helpers = [...helperTable().keys()].filter((key) => typeof key === "number");

/** An engine that gets one result in so many wrong. */
function wrong(runner: FuzzRunner): FuzzRunner {
  const spoil = (outcome: CaseOutcome): CaseOutcome => ({
    ...outcome,
    runs: outcome.runs.map((run) => (run.r0 % 3n === 0n ? { ...run, r0: run.r0 + 1n } : run)),
  });
  return { name: "wrong", run: (subject) => spoil(runner.run(subject)) };
}

test("the interpreter runs what is generated without a fault", { timeout: 60_000 }, () => {
  const runner = vmRunner(interpreter);
  for (const { name } of CLASSES.filter(({ needsVerdict }) => !needsVerdict)) {
    for (let i = 0; i < 10; i++) {
      const subject = generateCase(programSeed(31, i), name, { helpers });
      const outcome = runner.run(subject);
      expect(outcome.rejection).toBeUndefined();
      expect(outcome.runs.map((run) => run.fault)).toEqual(subject.runs.map(() => undefined));
    }
  }
});

describe("what may depend on addresses", () => {
  const packet = "r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4);";
  test.each([
    [true, "a comparison with another thing's address", `${packet} r0 = 0; if r2 > r1 goto +0; exit`],
    [true, "a difference of two things' addresses", `${packet} r1 -= r2; r0 = 0; exit`],
    [true, "an address held against a number", "r0 = 0; if r10 != 7 goto +0; exit"],
    [true, "an address and a number", `${packet} r0 = 0; r4 = 1; if r4 s< r10 goto +0; exit`],
    [false, "the packet's end", `${packet} r0 = 0; r2 += 14; if r2 > r3 goto +0; r3 -= r2; exit`],
    [false, "null", "r0 = 0; if r1 == 0 goto +0; exit"],
    [false, "numbers", "r0 = *(u32 *)(r1 + 12); r2 = r0; r2 -= r0; if r2 == r0 goto +0; if r0 s> 5 goto +0; exit"],
    [false, "a place in the stack", "r1 = r10; r2 = 8; r1 -= r2; *(u8 *)(r1 + 0) = 0; r0 = 0; exit"],
    [false, "what no path comes to", "r0 = 0; if r0 == 0 goto +1; if r1 > r10 goto +0; exit"],
  ])("%s: %s", (isOpen, _name, text) => {
    const { code } = parse(text);
    const subject = {
      ...generateCase(1, "alu"),
      maps: [],
      programs: [programFromCode(code, { name: "m", type: "xdp" })],
    };
    expect(comparesAddresses(subject)).toBe(isOpen);
  });
});

test("a finding is a declarative test that the right engine passes", async () => {
  const { finding } = fuzz({
    seed: 5,
    programs: 500,
    helpers,
    runners: [vmRunner(interpreter), wrong(vmRunner(interpreter))],
  });
  expect(finding?.difference.left.engine).toBe("wrong");
  const parsed = parseCase(JSON.parse(JSON.stringify(finding!.file)), "finding");
  const result = await runCase(parsed, {
    readObject: () => Promise.reject(new Error("there is no object")),
    // The measure was no verifier, so what was shrunk need not please one.
    verify: () => ({ verdict: "accept" }),
  });
  expect(result.detail).toEqual([]);
  expect(result).toMatchObject({ ok: true });
  expect(result.skipped).toBeUndefined();
});

test("what our verifier refuses is not run at a level that needs its word, and counted", async () => {
  const { runners, missing } = await fuzzEngines(["interpreter", "jit-x64:confined"]);
  if (missing.length > 0) return expect(runners.map(({ name }) => name)).toEqual(["interpreter"]);
  const subject = generateCase(programSeed(1, 0), "alu");
  // Falls off its end.
  const code = subject.programs[0]!.code.subarray(0, -8);
  const [one, confined] = runners.map((runner) =>
    runner.run({ ...subject, programs: [{ ...subject.programs[0]!, code }] }),
  );
  expect(one!.runs[0]!.fault).toContain("no instruction begins here");
  expect(confined).toEqual({ skipped: { program: "entry", reason: expect.any(String) }, runs: [], maps: {} });
});

test("what our verifier accepts runs as it claims, in every class", { timeout: 120_000 }, () => {
  const { finding, counts, coverage } = checkClaims({ seed: 12, programs: 400, helpers, checker: claimChecker() });
  expect(finding?.file).toBeUndefined();
  expect(counts.accepted / counts.programs).toBeGreaterThan(0.8);
  expect(counts.compared).toBeGreaterThan(100_000);
  for (const { cases, accepted } of coverage.classes) expect(accepted / cases).toBeGreaterThan(0.5);
});

test("a broken claim is a declarative test that fails until the verifier is right", { timeout: 60_000 }, async () => {
  const honest = claimChecker();
  const { finding } = checkClaims({
    seed: 13,
    programs: 100,
    helpers,
    checker: {
      ...honest,
      check: (subject) => {
        const outcome = honest.check(subject);
        const left = { engine: "verifier", value: "less" };
        const right = { engine: "interpreter", value: "more" };
        return outcome.compared > 20 ? { ...outcome, broken: { what: "a claim", left, right } } : outcome;
      },
    },
  });
  const parsed = parseCase(JSON.parse(JSON.stringify(finding!.file)), "finding");
  const result = await runCase(parsed, { readObject: () => Promise.reject(new Error("there is no object")) });
  // The claims were right all the time, so the test holds.
  expect(result).toMatchObject({ ok: true, detail: [] });
});

test("an engine that is not here is named with its reason", async () => {
  const { runners, missing: absent } = await fuzzEngines();
  expect([...runners.map(({ name }) => name), ...absent.map(({ name }) => name)].sort()).toContain("interpreter");
  for (const { reason } of absent) expect(reason).toMatch(/^not available here, because /);
});

describe.skipIf(missing !== "")(`the running kernel as the measure${missing}`, () => {
  test("the interpreter answers as it does, in every class", { timeout: 120_000 }, () => {
    const report = fuzz({ seed: 7, programs: 1500, helpers, runners: [kernelRunner(), vmRunner(interpreter)] });
    expect(report.finding?.file).toBeUndefined();
    for (const { cases, accepted } of report.coverage.classes) expect(accepted / cases).toBeGreaterThan(0.6);
    expect(report.coverage.missingOpcodes).toEqual([]);
  });

  test("what it answers is repeatable, so that nothing of its addresses shows", { timeout: 60_000 }, () => {
    const { finding } = fuzz({
      seed: 8,
      programs: 600,
      helpers,
      runners: [kernelRunner(), { ...kernelRunner(), name: "again" }],
    });
    expect(finding?.file).toBeUndefined();
  });

  test("it accepts what our verifier accepts", { timeout: 120_000 }, () => {
    const { finding, counts } = checkClaims({
      seed: 14,
      programs: 300,
      helpers,
      checker: claimChecker(),
      judge: kernelJudge(),
    });
    expect(finding?.file).toBeUndefined();
    expect(counts.confirmed).toBeGreaterThan(0.95 * counts.accepted);
  });

  test("it judges what it runs as accepted", () => {
    const subject = generateCase(programSeed(9, 9), "program-arrays", { helpers });
    const verdicts = kernelJudge().verdicts(subject);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(subject.programs.map(() => "accept"));
  });
});
