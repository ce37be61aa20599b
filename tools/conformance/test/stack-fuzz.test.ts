import { profileFor } from "@bpfkit/abi";
import type { Profile } from "@bpfkit/core";
import { fixedEffects } from "@bpfkit/helpers";
import { analyseStack, FrameTracer, momentBytes, reportStack, roundFrame } from "@bpfkit/stack";
import { load } from "@bpfkit/vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type BuiltSet, buildSet, generatedSet, VERSIONS } from "../src/stack-sets.js";

/** `npm run fuzz 10000` for more. */
const SETS = Number(process.env["BPFKIT_FUZZ_RUNS"] ?? 1_000);
const RUNS_EACH = 2;
/** Instructions. */
const BUDGET = 10_000;

/** Bytes of the deepest moment of some runs of a program; undefined for those that did not end within the budget. */
function traced(set: BuiltSet, name: string, profile: Profile): { readonly bytes: number; readonly ended: boolean }[] {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  };
  const vm = load(set, { profile, effects: { ...fixedEffects(), random } });
  const runs = Array.from({ length: RUNS_EACH }, () => {
    const tracer = new FrameTracer({
      programs: set.programs,
      keep: 0,
      frameBytes: (program, subprogram) => {
        const bytes = set.bytes.get(program)!.get(subprogram)!;
        return { bytes, rounded: roundFrame(bytes, profile) };
      },
    });
    const { fault } = vm.program(name).run({ data: new Uint8Array(64) }, { budget: BUDGET, onFrame: tracer.onFrame });
    if (fault !== undefined && fault.kind !== "budget") throw new Error(fault.message);
    return { bytes: momentBytes(tracer.trace().deepest), ended: fault === undefined };
  });
  vm.dispose();
  return runs;
}

test(`the traced maximum of ${SETS} generated sets never exceeds the analysis, and equals it where that is exact`, () => {
  const seen = { exact: 0, open: 0, bound: 0, reached: 0, deepest: 0 };
  fc.assert(
    fc.property(generatedSet, fc.constantFrom(...VERSIONS), (generated, version) => {
      const profile = profileFor(version);
      const set = buildSet(generated);
      const { worst } = reportStack(analyseStack(set), profile).programs[0]!;
      seen[worst.certainty]++;
      const runs = traced(set, "p0", profile);
      const most = Math.max(...runs.map(({ bytes }) => bytes));
      expect(most).toBeLessThanOrEqual(worst.bytes);
      if (most === worst.bytes) seen.reached++;
      seen.deepest = Math.max(seen.deepest, most);
      if (worst.certainty !== "exact") return;
      for (const { bytes, ended } of runs) if (ended) expect(bytes).toBe(worst.bytes);
    }),
    { numRuns: SETS },
  );
  expect(seen.exact).toBeGreaterThan(SETS / 2);
  expect(seen.open).toBeGreaterThan(SETS / 20);
}, 0);
