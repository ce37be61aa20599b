import { profileFor } from "@bpfkit/abi";
import { build } from "@bpfkit/isa";
import { analyseStack } from "@bpfkit/stack";
import fc from "fast-check";
import { expect, test } from "vitest";
import { boundFrom } from "../src/bound.js";
import { explorer } from "../src/explore.js";
import { momentBytes } from "../src/moment.js";
import { viewProgram } from "../src/view.js";
import { type Body, call, JUMPS, leave, program, tailCall, use } from "./programs.js";

const bytes = fc.constantFrom(0, 8, 40, 96, 240);
const action = fc.oneof(
  fc.nat(3).map((index) => ({ kind: "tailCall" as const, index })),
  fc.constant({ kind: "random" as const }),
  fc.constant({ kind: "call" as const }),
);
const subprogram = fc.record({ bytes, actions: fc.array(action, { maxLength: 3 }) });
const sets = fc.array(fc.array(subprogram, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });

test("what following every way finds is within the bound, and both are moments of their bytes", () => {
  let below = 0;
  fc.assert(
    fc.property(sets, fc.constantFrom("6.18", "6.6"), (set, version) => {
      const programs = set.map((subprograms, at) => {
        const bodies = subprograms.map(({ bytes, actions }, index): Body => {
          const code = actions.flatMap((one): Body => {
            if (one.kind === "tailCall") return tailCall(one.index);
            if (one.kind === "random")
              return [build.call(7), build.mov64.reg(3, 0), build.lddwMap(2, 0), build.call(12)];
            return index + 1 < subprograms.length ? [call(index + 1)] : [];
          });
          return [...use(bytes), ...code, ...leave];
        });
        return program(`p${at}`, bodies);
      });
      const slots = programs.map(({ name }, index) => ({ index, of: "program" as const, name }));
      const profile = profileFor(version);
      const facts = analyseStack({ programs, maps: [{ ...JUMPS, slots }] });
      const views = facts.programs.map((one) => viewProgram(one, facts.programs, facts.arrays, profile));
      const explored = explorer(views, profile)(0)!;
      const bound = boundFrom(0, views, profile.tailCallLimit);
      expect(momentBytes(explored.moment)).toBeLessThanOrEqual(momentBytes(bound));
      if (momentBytes(explored.moment) < momentBytes(bound)) below++;
    }),
    { numRuns: 500 },
  );
  expect(below).toBeGreaterThan(0);
});
