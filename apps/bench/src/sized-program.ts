import type { Program, SlotIndex } from "@bpfkit/core";
import { build, encode, type Instruction } from "@bpfkit/isa";

/** The context's `ingress_ifindex`, which nobody can know before (uapi/linux/bpf.h, `struct xdp_md`). */
const IFINDEX = 12;
/** 8-byte cells of the stack that are used. */
const CELLS = 16;

type Register = Parameters<typeof build.add64.reg>[0];

/** What code is made of between branches; r1 and r6 stay out of it. */
const REGISTERS: readonly Register[] = [0, 2, 3, 4, 5, 7, 8];
/** Instructions of a block, and how many of them its branch skips. */
const BLOCK = 10;
const SKIPPED = 4;

/**
 * An XDP program of so many instructions (at least 50) that every verifier accepts: arithmetic and the stack, and in every
 * ten instructions a branch on a value nobody can know, whose ways meet again. The same number makes the same program.
 */
export function sizedProgram(slots: number): Program {
  const random = generator();
  const head = [
    ...REGISTERS.map((register) => build.mov64.imm(register, register * 3 + 1)),
    ...Array.from({ length: CELLS }, (_, cell) => build.stx.u64(10, -8 * (cell + 1), 2)),
  ];
  const length = slots - head.length - 2;
  const blocks = Array.from({ length: Math.floor(length / BLOCK) }, () => [
    build.ldx.u32(6, 1, IFINDEX),
    build.jgt.imm(6, random(1000), SKIPPED),
    ...Array.from({ length: BLOCK - 2 }, () => instruction(random)),
  ]);
  const rest = Array.from({ length: length % BLOCK }, () => instruction(random));
  return {
    name: "sized",
    section: "xdp",
    type: "xdp",
    license: "GPL",
    code: encode([...head, ...blocks.flat(), ...rest, build.mov64.imm(0, 2), build.exit()]),
    subprograms: [{ name: "sized", start: 0 as SlotIndex, linkage: "global" }],
    references: [],
  };
}

function instruction(random: (below: number) => number): Instruction {
  const register = (): Register => REGISTERS[random(REGISTERS.length)]!;
  const cell = (): number => -8 * (1 + random(CELLS));
  const kinds: readonly (() => Instruction)[] = [
    () => build.add64.imm(register(), random(1000)),
    () => build.add64.reg(register(), register()),
    () => build.mov64.reg(register(), register()),
    () => build.xor64.reg(register(), register()),
    () => build.and32.imm(register(), 0xffff),
    () => build.rsh64.imm(register(), random(63)),
    () => build.mul32.imm(register(), 1664525),
    () => build.ldx.u64(register(), 10, cell()),
    () => build.stx.u64(10, cell(), register()),
  ];
  return kinds[random(kinds.length)]!();
}

function generator(): (below: number) => number {
  let state = 5;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}
