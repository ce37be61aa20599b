import type { Program } from "@bpfkit/core";
import type { FuzzCase } from "@bpfkit/fuzz";
import { decode, type Instruction, ROWS, rowOf, slotsOf } from "@bpfkit/isa";
import { factAt, type InstructionFact } from "@bpfkit/verifier";
import { verdictOn } from "./verifier-judge.js";

/** Pointers into one thing: the packet and its ends. */
const PACKET: ReadonlySet<string | undefined> = new Set(["pkt", "pkt_meta", "pkt_end"]);

/** Conditional jumps and differences, the ways to tell two addresses apart. */
const COMPARING: ReadonlySet<string> = new Set(
  ROWS.map(({ operation }) => operation).filter((name) => name === "sub" || /^j(?!a$)/.test(name)),
);

/**
 * Whether what a case comes to may depend on where things lie: it compares an address with one of something else, or with
 * a number. Engines then differ and all are right. Packet ends and null are what programs compare addresses with.
 */
export function comparesAddresses({ programs, maps }: FuzzCase): boolean {
  return programs.some((program) => {
    const verdict = verdictOn(program, maps, true);
    if (!("facts" in verdict) || verdict.facts === undefined) return false;
    const { facts } = verdict;
    return instructionsOf(program).some(([slot, instruction]) => isOfAddresses(instruction, factAt(facts, slot)));
  });
}

/** Instructions with their slots. */
function instructionsOf(program: Program): (readonly [slot: number, instruction: Instruction])[] {
  let slot = 0;
  return decode(program.code).map((instruction) => {
    const at = slot;
    slot += slotsOf(instruction);
    return [at, instruction] as const;
  });
}

function isOfAddresses(instruction: Instruction, fact: InstructionFact): boolean {
  const { operation, form } = rowOf(instruction);
  if (fact.dead || !COMPARING.has(operation)) return false;
  const kindOf = (number: number): string | undefined =>
    fact.registers.find(({ register }) => register === number)?.kind;
  const left = kindOf(instruction.dst);
  if (!form.includes("src")) return left !== "scalar" && operation !== "sub" && instruction.imm !== 0;
  const right = kindOf(instruction.src);
  if (PACKET.has(left) && PACKET.has(right)) return false;
  return operation === "sub" ? left !== "scalar" && right !== "scalar" : left !== "scalar" || right !== "scalar";
}
