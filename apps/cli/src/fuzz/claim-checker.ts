import type { Program } from "@bpfkit/core";
import type { ClaimChecker, ClaimOutcome, Difference, FuzzCase, FuzzVerdict } from "@bpfkit/fuzz";
import type { Verdict } from "@bpfkit/verifier";
import { type BrokenClaim, Claims, load, type Vm } from "@bpfkit/vm";
import { verdictOn } from "./verifier-judge.js";

/** A generated program ends long before, but for those a mutation made loop. */
const BUDGET = 20_000;

/** Our verifier, with every run of the interpreter held against the facts of its verdicts. */
export function claimChecker(): ClaimChecker {
  const verdicts = new WeakMap<Program, Verdict | FuzzVerdict>();
  const verdictOf = (program: Program, { maps }: FuzzCase): Verdict | FuzzVerdict => {
    const known = verdicts.get(program) ?? verdictOn(program, maps, true);
    verdicts.set(program, known);
    return known;
  };
  return {
    name: "verifier",
    verdicts: (subject) => subject.programs.map((program) => verdictOf(program, subject)),
    check: (subject) => {
      const claims = new Map<Program, Claims>();
      for (const program of subject.programs) {
        const verdict = verdictOf(program, subject);
        if ("facts" in verdict && verdict.verdict === "accept") claims.set(program, new Claims(program, verdict));
      }
      return runAll(subject, claims);
    },
  };
}

function runAll(subject: FuzzCase, claims: ReadonlyMap<Program, Claims>): ClaimOutcome {
  const programs = new Map([...claims.keys()].map((program) => [program.name, program]));
  const total = { runs: 0, instructions: 0, compared: 0 };
  const vm = load({ programs: [...claims.keys()], maps: subject.maps });
  try {
    fillSlots(vm, subject.slots, programs);
    for (const [index, { program: name, data, ctx = {}, init = [], slots = [] }] of subject.runs.entries()) {
      const program = programs.get(name);
      if (program === undefined) continue;
      fillSlots(vm, slots, programs);
      for (const { map, key, value } of init) vm.map(map).set(key, value);
      const watched = vm.runnable(program).watch((one) => claims.get(one), { data, ctx }, { budget: BUDGET });
      total.runs++;
      total.instructions += watched.instructions;
      total.compared += watched.compared;
      if (watched.broken !== undefined) return { ...total, broken: differenceOf(watched.broken, index) };
    }
    return total;
  } finally {
    vm.dispose();
  }
}

/** What a refused program would fill stays empty. */
function fillSlots(vm: Vm, slots: FuzzCase["slots"], programs: ReadonlyMap<string, Program>): void {
  for (const { map, index, program } of slots) {
    if (program === null || programs.has(program))
      vm.setSlot(map, index, program === null ? undefined : programs.get(program));
  }
}

function differenceOf({ program, slot, claimed, found }: BrokenClaim, run: number): Difference {
  const what = `a claim at slot ${slot} of ${program}`;
  const left = { engine: "verifier", value: claimed };
  return { what, run, left, right: { engine: "interpreter", value: found } };
}
