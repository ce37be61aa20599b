import { profileFor } from "@bpfkit/abi";
import type { Engine, LinkSet, Program, RunResult } from "@bpfkit/core";
import { programId } from "@bpfkit/core";
import { fixedEffects } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { createGuestMemory } from "@bpfkit/memory";
import { describe, expect, test } from "vitest";
import { jitAt, jitAvailable, skipReason } from "../src/jit.js";
import { randomFrom, randomProgram } from "../src/random-code.js";

/** `FUZZ_RUNS` says how many programs of each kind. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 400);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const TIMEOUT = 30_000 + RUNS * 20;
const MEMORY = 64;
const MAIN = programId(0);

/** A guest memory for each engine, so that both lay the same things at the same addresses. */
function world() {
  const memory = createGuestMemory();
  const region = memory.reserve("the memory", MEMORY, "read-write");
  return {
    region,
    set: { maps: new Map(), helpers: new Map(), memory, effects: fixedEffects(), profile: profileFor() },
  };
}

const worlds: Readonly<Record<string, ReturnType<typeof world>>> = { interpreter: world(), "jit-x64": world() };

interface Outcome {
  readonly results: readonly RunResult[];
  readonly memory: string;
}

/** Runs a program twice, so that what one run leaves behind would show, and gives all that can be told from outside. */
function outcome(engine: Engine, program: Program, budget: number): Outcome {
  const { region, set: around } = worlds[engine.name]!;
  const { memory } = around;
  const set: LinkSet = { ...around, programs: [program] };
  const linked = engine.link(set);
  memory.views.u8.fill(0xa5, region.start, region.start + MEMORY);
  const context = { r1: BigInt(region.start), r2: BigInt(MEMORY), type: "raw" };
  const results = [0, 1].map(() => withoutStacks(linked.run(MAIN, context, { budget })));
  linked.dispose();
  const bytes = memory.views.u8.subarray(region.start, region.start + MEMORY);
  return { results, memory: Array.from(bytes, (byte) => byte.toString(16)).join(" ") };
}

/** Each engine's stack lies somewhere else. */
function withoutStacks(result: RunResult): RunResult {
  const { fault } = result;
  if (fault === undefined) return result;
  return { ...result, fault: { ...fault, frames: fault.frames.map((frame) => ({ ...frame, stack: 0 })) } };
}

function withoutCounts({ results, memory }: Outcome): object {
  return { r0: results.map(({ r0 }) => r0), memory };
}

describe.skipIf(!jitAvailable)(`random programs on the interpreter and the JIT${skipReason()}`, () => {
  test(`${RUNS} wild ones, checked: the same result or the same fault at the same instruction`, {
    timeout: TIMEOUT,
  }, () => {
    for (let run = 0; run < RUNS; run++) {
      const random = randomFrom(SEED * 7919 + run * 31);
      const program = randomProgram(random, true, MEMORY);
      const budget = 1 + (random() % 3000);
      expect(outcome(jitAt("checked"), program, budget), `run ${run}`).toEqual(outcome(interpreter, program, budget));
    }
  });

  test(`${RUNS} tame ones, at every level: the same result and the same memory`, { timeout: TIMEOUT }, () => {
    for (let run = 0; run < RUNS; run++) {
      const program = randomProgram(randomFrom(SEED * 104729 + run * 37), false, MEMORY);
      const wanted = outcome(interpreter, program, 100_000);
      expect(outcome(jitAt("checked"), program, 100_000), `run ${run}`).toEqual(wanted);
      if (wanted.results.some(({ fault }) => fault !== undefined)) continue;
      for (const safety of ["confined", "unchecked"] as const) {
        expect(withoutCounts(outcome(jitAt(safety), program, 0)), `run ${run}, ${safety}`).toEqual(
          withoutCounts(wanted),
        );
      }
    }
  });
});
