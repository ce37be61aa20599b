import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { type Program, programId } from "@bpfkit/core";
import { fixedEffects, helperTable } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { createGuestMemory } from "@bpfkit/memory";
import { factAt, type InstructionFact, type Verdict, verify } from "@bpfkit/verifier";
import { describe, expect, test } from "vitest";
import { randomNumbers, randomProgram } from "../src/random-program.js";

/** Programs each run makes; SOUNDNESS_PROGRAMS asks for more, SOUNDNESS_SEED for others. */
const PROGRAMS = Number(process.env["SOUNDNESS_PROGRAMS"] ?? 150);
const SEED = Number(process.env["SOUNDNESS_SEED"] ?? 1);
const INPUTS = 5;
const MEMORY = 64;

const hex = (program: Program): string => Buffer.from(program.code).toString("hex");

/** What is wrong with the registers before an instruction; undefined: they are as claimed. */
function wrongClaim(fact: InstructionFact, registers: readonly bigint[], base: bigint): string | undefined {
  if (fact.dead) return "it was said to be dead";
  for (const claim of fact.registers) {
    const value = BigInt.asUintN(
      64,
      claim.kind === "mem" ? registers[claim.register]! - base : registers[claim.register]!,
    );
    if (claim.kind !== "scalar" && claim.kind !== "mem") continue;
    const signed = BigInt.asIntN(64, value);
    const holds =
      value >= claim.umin &&
      value <= claim.umax &&
      signed >= claim.smin &&
      signed <= claim.smax &&
      (claim.kind === "mem" || (value & claim.knownMask) === claim.knownBits);
    if (!holds) return `r${claim.register} is ${signed}, said to be ${claim.umin} to ${claim.umax}`;
  }
  return undefined;
}

/** Runs an accepted program on several inputs; says what was wrong. */
function counterexample(program: Program, verdict: Verdict, seed: number): string | undefined {
  const memory = createGuestMemory();
  const region = memory.reserve("memory", MEMORY, "read-write", 8);
  const random = randomNumbers(seed + 77);
  const effects = fixedEffects({ seed });
  const link = {
    programs: [program],
    maps: new Map(),
    helpers: helperTable(),
    memory,
    effects,
    profile: DEFAULT_PROFILE,
  };
  const linked = interpreter.link(link);
  const facts = Array.from({ length: program.code.length / 8 }, (_, slot) => factAt(verdict.facts!, slot));
  let wrong: string | undefined;
  for (let input = 0; input < INPUTS && wrong === undefined; input++) {
    for (let at = 0; at < MEMORY; at++)
      memory.views.u8[region.start + at] = input === 0 ? 0 : input === 1 ? 255 : random(256);
    const context = { r1: BigInt(region.start), r2: BigInt(MEMORY), type: "raw" };
    const result = linked.run(programId(0), context, {
      budget: 4000,
      onInstruction: (event) => {
        if (event.kind !== "instruction" || wrong !== undefined) return;
        const claim = wrongClaim(facts[event.slot]!, event.registers, BigInt(region.start));
        if (claim !== undefined) wrong = `slot ${event.slot}: ${claim}`;
      },
    });
    if (result.fault !== undefined && result.fault.kind !== "budget") wrong ??= result.fault.message;
  }
  linked.dispose();
  return wrong;
}

/** Whether a random program is accepted, and what was wrong with its claims. */
function judge(seed: number): { readonly accepted: boolean; readonly wrong?: string } {
  const program = randomProgram(seed);
  const verdict = verify(program, { maps: new Map(), profile: DEFAULT_PROFILE, memorySize: MEMORY });
  if (verdict.verdict !== "accept") return { accepted: false };
  const wrong = counterexample(program, verdict, seed);
  return wrong === undefined
    ? { accepted: true }
    : { accepted: true, wrong: `seed ${seed}: ${wrong} in ${hex(program)}` };
}

describe("what the verifier accepts runs as it claims", () => {
  // A comparison with a number that pruning left open taught the other operand too much.
  test.each([5_005_046, 5_007_367, 5_007_606])("program %i, once wrong", (seed) => {
    expect(judge(seed)).toEqual({ accepted: true });
  });

  test(`${PROGRAMS} programs`, { timeout: 3_600_000 }, () => {
    let accepted = 0;
    const found: string[] = [];
    for (let index = 0; index < PROGRAMS && found.length < 5; index++) {
      const verdict = judge(SEED * 1_000_003 + index);
      if (verdict.accepted) accepted++;
      if (verdict.wrong !== undefined) found.push(verdict.wrong);
    }
    console.log(`${accepted} of ${PROGRAMS} programs accepted`);
    expect(found).toEqual([]);
    expect(accepted).toBeGreaterThan(PROGRAMS / 20);
  });
});
