import {
  type ClaimChecker,
  type ClaimOutcome,
  checkClaims,
  type FuzzCase,
  type FuzzJudge,
  generateCase,
  instructionCount,
  programSeed,
  repairCase,
  withInputs,
} from "@bpfkit/fuzz";
import { decode, rowOf } from "@bpfkit/isa";
import { describe, expect, test } from "vitest";

const has = ({ programs }: FuzzCase, rows: RegExp): boolean =>
  programs.some(({ code }) => decode(code).some((one) => rows.test(rowOf(one).name)));

/** Accepts everything and, of programs with some instructions, breaks a claim. */
function checker(broken: (subject: FuzzCase) => boolean = () => false): ClaimChecker {
  const difference = {
    what: "a claim",
    left: { engine: "verifier", value: "1" },
    right: { engine: "interpreter", value: "2" },
  };
  return {
    name: "verifier",
    verdicts: ({ programs }) => programs.map(() => ({ verdict: "accept" })),
    check: (subject): ClaimOutcome => ({
      runs: subject.runs.length,
      instructions: instructionCount(subject),
      compared: 1,
      ...(broken(subject) ? { broken: difference } : {}),
    }),
  };
}

describe("a session of claims", () => {
  test("counts what it did, relatives of each case included", () => {
    const { counts, coverage, finding } = checkClaims({ seed: 4, programs: 300, checker: checker() });
    expect(finding).toBeUndefined();
    expect(counts.programs).toBeGreaterThanOrEqual(300);
    expect(counts.accepted).toBe(counts.programs);
    expect(coverage.programs).toBeLessThan(counts.programs);
    expect(counts.runs).toBeGreaterThan(4 * coverage.cases);
    expect(counts.repairs).toBe(0);
  });

  test("stops at a broken claim with a small case that asks for claims", () => {
    const { finding } = checkClaims({ seed: 4, programs: 2000, checker: checker((one) => has(one, /^xchg64$/)) });
    expect(instructionCount(finding!.subject)).toBe(1);
    expect(finding!.file).toMatchObject({ claims: true, programs: [{ expect: { verdict: "accept" } }] });
    const again = checkClaims({ seed: 4, programs: 2000, checker: checker((one) => has(one, /^xchg64$/)) });
    expect(again.finding).toEqual(finding);
  });

  test("stops at what the kernel refuses, but not where it says nothing", () => {
    const judge = (rows: RegExp, message: string): FuzzJudge => ({
      name: "kernel",
      verdicts: (subject) =>
        subject.programs.map((program) =>
          has({ ...subject, programs: [program] }, rows)
            ? { verdict: "reject", errno: "EACCES", message }
            : { verdict: "accept" },
        ),
    });
    const silent = checkClaims({ seed: 4, programs: 500, checker: checker(), judge: judge(/^xchg64$/, "") });
    expect(silent.finding).toBeUndefined();
    expect(silent.counts.unjudged).toBeGreaterThan(0);
    expect(silent.counts.confirmed + silent.counts.unjudged).toBe(silent.counts.accepted);
    const { finding } = checkClaims({ seed: 4, programs: 500, checker: checker(), judge: judge(/^xchg64$/, "no") });
    expect(finding?.difference).toMatchObject({ left: { engine: "verifier", value: "accept" } });
    expect(finding?.file["programs"]).toMatchObject([{ expect: { verdict: "reject", message: "no" } }]);
    expect(instructionCount(finding!.subject)).toBe(1);
  });

  test("takes out what a program is refused for, and counts it once", () => {
    const picky: ClaimChecker = {
      ...checker(),
      verdicts: ({ programs }) =>
        programs.map(({ code }) => {
          const slot = slotOf(code, /^mul/);
          return slot < 0 ? { verdict: "accept" } : { verdict: "reject", message: "no", slot };
        }),
    };
    const { counts } = checkClaims({ seed: 4, programs: 200, checker: picky, classes: ["ranges"] });
    expect(counts.repairs).toBeGreaterThan(20);
    expect(counts.accepted).toBeGreaterThan(counts.programs / 4);
  });
});

/** Where the first instruction of some rows begins; -1: there is none. */
function slotOf(code: Uint8Array, rows: RegExp): number {
  let slot = 0;
  for (const one of decode(code)) {
    if (rows.test(rowOf(one).name)) return slot;
    slot += rowOf(one).slots;
  }
  return -1;
}

test("a repair takes one instruction out, and leaves a number where it would have set a register", () => {
  const subject = generateCase(programSeed(1, 3), "ranges");
  const { code } = subject.programs[0]!;
  const load = repairCase(subject, 0, slotOf(code, /^ldx/))!;
  expect(instructionCount(load)).toBe(instructionCount(subject));
  const jump = repairCase(subject, 0, slotOf(code, /^j/))!;
  expect(instructionCount(jump)).toBe(instructionCount(subject) - 1);
  expect(repairCase(subject, 0, 1_000_000)).toBeUndefined();
});

test("inputs are the same for the same seed, within maps and packets, and write maps", () => {
  let writes = 0;
  for (let seed = 0; seed < 50; seed++) {
    const subject = generateCase(programSeed(2, seed), "tail-calls");
    const given = withInputs(subject, seed, 4);
    expect(given).toEqual(withInputs(subject, seed, 4));
    expect(given.runs.map(({ program }) => program).slice(0, 4)).toEqual(["entry", "entry", "entry", "entry"]);
    expect(new Set(given.runs.map(({ program }) => program))).toEqual(new Set(subject.sources.map(({ name }) => name)));
    for (const { data, init = [] } of given.runs) {
      expect(data.length).toBeGreaterThanOrEqual(14);
      for (const { map, key, value } of init) {
        const spec = subject.maps.find(({ name }) => name === map)!;
        expect([key.length, value.length]).toEqual([spec.keySize, spec.valueSize]);
        writes++;
      }
    }
  }
  expect(writes).toBeGreaterThan(100);
});
