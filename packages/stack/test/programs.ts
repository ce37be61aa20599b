import { profileFor } from "@bpfkit/abi";
import { type MapSpec, type Program, slotIndex } from "@bpfkit/core";
import { build, encode, type Instruction, slotsOf } from "@bpfkit/isa";
import { analyseStack, type ProgramReport, reportStack } from "@bpfkit/stack";

/** A subprogram's code; calls of others are made with `call(index)`. */
export type Body = readonly (Instruction | { readonly callee: number })[];

export const call = (callee: number): { readonly callee: number } => ({ callee });

/** The array every test's tail calls go through. */
export const JUMPS: MapSpec = { name: "jumps", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 8, flags: 0 };

export const tailCall = (index: number): Instruction[] => [
  build.lddwMap(2, 0),
  build.mov64.imm(3, index),
  build.call(12),
];

/** Uses so many bytes of the frame. */
export const use = (bytes: number): Instruction[] => (bytes === 0 ? [] : [build.st.u8(10, -bytes, 1)]);

export const leave: readonly Instruction[] = [build.mov64.imm(0, 0), build.exit()];

/** A program of subprograms, named `f0`, `f1`, … after the entry. */
export function program(name: string, bodies: readonly Body[], facts: Partial<Program> = {}): Program {
  const starts: number[] = [];
  let end = 0;
  for (const body of bodies) {
    starts.push(end);
    for (const one of body) end += "callee" in one ? 1 : slotsOf(one);
  }
  const code: Instruction[] = [];
  const references: Program["references"][number][] = [];
  let slot = 0;
  for (const one of bodies.flat()) {
    const instruction = "callee" in one ? build.callLocal(starts[one.callee]! - slot - 1) : one;
    if (instruction.opcode === 0x18 && instruction.src === 1) {
      references.push({ kind: "map", slot: slotIndex(slot), map: "jumps" });
    }
    code.push(instruction);
    slot += slotsOf(instruction);
  }
  const rows = starts.map((start, index) => ({ slot: slotIndex(start), typeId: index + 1 }));
  return {
    name,
    type: "xdp",
    code: encode(code),
    subprograms: starts.map((start, index) => ({
      name: index === 0 ? name : `f${index}`,
      start: slotIndex(start),
      linkage: "static",
    })),
    references,
    btf: { types: new Uint8Array(), functions: rows, lines: new Uint32Array() },
    ...facts,
  };
}

/** The report of the first of some programs, whose array holds them in order unless `maps` says otherwise. */
export function reportOf(
  programs: readonly Program[],
  { version = "6.18", arch = "x86-64", maps }: { version?: string; arch?: string; maps?: readonly MapSpec[] } = {},
): ProgramReport {
  const slots = programs.map(({ name }, index) => ({ index, of: "program" as const, name }));
  const facts = analyseStack({ programs, maps: maps ?? [{ ...JUMPS, slots }] });
  return reportStack(facts, profileFor(version, arch)).programs[0]!;
}
