import { SLOT_BYTES } from "@bpfkit/core";
import type { FuzzCase } from "@bpfkit/fuzz";
import { decodeAt, type Instruction, ROWS, rowOf } from "@bpfkit/isa";
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
    for (let slot = 0; slot < program.code.length / SLOT_BYTES; slot++) {
      const fact = factAt(facts, slot);
      // Second slots are dead, too.
      if (!fact.dead && isOfAddresses(decodeAt(program.code, slot), fact)) return true;
    }
    return false;
  });
}

function isOfAddresses(instruction: Instruction, fact: InstructionFact): boolean {
  const { operation, form } = rowOf(instruction);
  if (!COMPARING.has(operation)) return false;
  const kindOf = (number: number): string | undefined =>
    fact.registers.find(({ register }) => register === number)?.kind;
  const left = kindOf(instruction.dst);
  if (!form.includes("src")) return left !== "scalar" && operation !== "sub" && instruction.imm !== 0;
  const right = kindOf(instruction.src);
  if (PACKET.has(left) && PACKET.has(right)) return false;
  return operation === "sub" ? left !== "scalar" && right !== "scalar" : left !== "scalar" || right !== "scalar";
}
