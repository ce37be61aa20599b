import { profileFor } from "@bpfkit/abi";
import type { Engine, LinkSet, Program } from "@bpfkit/core";
import { programId, slotIndex } from "@bpfkit/core";
import { fixedEffects } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { encode, type Instruction, type InstructionName, ROW } from "@bpfkit/isa";
import { createGuestMemory } from "@bpfkit/memory";
import { describe, expect, test } from "vitest";
import { jitAt, jitAvailable, LEVELS, skipReason } from "../src/jit.js";
import { randomFrom } from "../src/random-code.js";

/** Sequences that the JIT translates as one, in all their variants, between values that tell whether it may. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 300);
const MEMORY = 64;

type Random = () => number;
type Sequence = (random: Random, register: () => number) => Instruction[];

function one(name: InstructionName, fields: Partial<Instruction>): Instruction {
  return { opcode: ROW[name].opcode, dst: 0, src: 0, offset: 0, imm: 0, ...fields, ...ROW[name].select };
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random() % list.length]!;
const bits = (random: Random): 32 | 64 => pick(random, [32, 64] as const);

const moveAndAdd: Sequence = (random, register) => {
  const width = bits(random);
  const [dst, src, other] = [register(), register(), register()];
  const add = pick(random, [
    one(`add${width}Imm`, { dst, imm: (random() | 0) >> (random() % 32) }),
    one(`add${width}Reg`, { dst, src: other }),
  ]);
  return [one(`mov${width}Reg`, { dst, src }), add];
};

const extension: Sequence = (random, register) => {
  const [dst, src] = [register(), register()];
  const by = pick(random, [32, 32, 31]);
  const shifts = [one("lsh64Imm", { dst, imm: by }), one(pick(random, ["rsh64Imm", "arsh64Imm"]), { dst, imm: 32 })];
  return random() % 2 === 0 ? shifts : [one("mov64Reg", { dst, src }), ...shifts];
};

const rotation: Sequence = (random, register) => {
  const width = bits(random);
  const [t, x] = [register(), register()];
  const left = 1 + (random() % (width - 1));
  const right = random() % 5 === 0 ? 1 : width - left;
  const [one1, two] = random() % 2 === 0 ? [t, x] : [x, t];
  const shifts = [one(`lsh${width}Imm`, { dst: one1, imm: left }), one(`rsh${width}Imm`, { dst: two, imm: right })];
  if (random() % 2 === 0) shifts.reverse();
  const [kept, dead] = random() % 2 === 0 ? [x, t] : [t, x];
  const or = one(`or${width}Reg`, { dst: kept, src: dead });
  const after = random() % 3 === 0 ? [] : [one("mov64Imm", { dst: dead, imm: 5 })];
  return [one(`mov${width}Reg`, { dst: t, src: x }), ...shifts, or, ...after];
};

/** Bytes loaded one by one, shifted and joined, in order or in reverse, with the last of them in any register. */
const joined: Sequence = (random) => {
  const size = pick(random, [2, 4, 8]);
  const most = size === 8 ? 64 : bits(random);
  // Now and then one instruction has the other width.
  const width = (): 32 | 64 => (random() % 12 === 0 ? bits(random) : most);
  const swapped = random() % 2 === 0;
  const at = random() % (MEMORY - size);
  const registers = [0, 2, 3, 4, 5, 6, 7, 8].slice(0, size);
  const parts = registers.map((dst, index) => {
    const offset = at + (swapped ? size - 1 - index : index) + (random() % 40 === 0 ? 1 : 0);
    const load = one("ldxB", { dst, src: 1, offset });
    return index === 0 ? [load] : [load, one(`lsh${width()}Imm`, { dst, imm: 8 * index })];
  });
  const kept = random() % size;
  const order = parts.map((_, index) => index).filter((index) => index !== kept);
  const joins = order.map((index) => one(`or${width()}Reg`, { dst: registers[kept]!, src: registers[index]! }));
  const dead = random() % 4 === 0 ? [] : order.map((index) => one("mov64Imm", { dst: registers[index]!, imm: index }));
  return [...parts.flat(), ...joins, ...dead];
};

const test0: Sequence = (random, register) => {
  const width = bits(random);
  const dst = register();
  const operation = pick(random, ["and", "or", "xor", "add", "sub"] as const);
  const first = pick(random, [
    one(`${operation}${width}Imm`, { dst, imm: random() % 3 === 0 ? 0 : (random() | 0) >> (random() % 32) }),
    one(`${operation}${width}Reg`, { dst, src: register() }),
  ]);
  const jump = pick(random, ["jeq", "jne"] as const);
  const other = random() % 4 === 0 ? bits(random) : width;
  const name = other === 64 ? (`${jump}Imm` as const) : (`${jump}32Imm` as const);
  return [first, one(name, { dst, imm: 0, offset: 1 }), one("add64Imm", { dst: register(), imm: 77 })];
};

const constants: Sequence = (random, register) => {
  const width = bits(random);
  const operation = pick(random, ["div", "mod", "sdiv", "smod", "mul"] as const);
  const imm = pick(random, [
    0,
    1,
    -1,
    2,
    3,
    5,
    7,
    8,
    9,
    10,
    60,
    64,
    641,
    1000,
    0x4000_0000,
    0x7fff_ffff,
    -7,
    -0x8000_0000,
    random() | 0,
  ]);
  return [one(`${operation}${width}Imm`, { dst: register(), imm })];
};

const shifts: Sequence = (random, register) => {
  const width = bits(random);
  const operation = pick(random, ["lsh", "rsh", "arsh"] as const);
  return [one(`${operation}${width}Reg`, { dst: register(), src: register() })];
};

const SEQUENCES = { moveAndAdd, extension, rotation, joined, test0, constants, shifts };

/** Random values in all registers, sequences, and r0 made from some of the registers: the others are dead at the end. */
function programFrom(random: Random, sequence: Sequence): Program {
  const register = (): number => pick(random, [0, 2, 3, 4, 5, 6, 7, 8]);
  const values = [0, 2, 3, 4, 5, 6, 7, 8].map((dst) => {
    const small = random() % 3 === 0;
    return { ...one("lddw", { dst, imm: small ? random() % 4 : random() | 0 }), nextImm: small ? 0 : random() | 0 };
  });
  const body = Array.from({ length: 1 + (random() % 3) }, () => sequence(random, register)).flat();
  const wanted = [2, 3, 4, 5, 6, 7, 8].filter(() => random() % 2 === 0);
  const end = wanted.flatMap((src) => [one("mul64Imm", { dst: 0, imm: 31 }), one("add64Reg", { dst: 0, src })]);
  const instructions = [...values, ...body, ...end, one("exit", {})];
  const subprograms = [{ name: "main", start: slotIndex(0), linkage: "global" as const }];
  return { name: "main", type: "raw", code: encode(instructions), subprograms, references: [] };
}

const memory = createGuestMemory();
const region = memory.reserve("the memory", MEMORY, "read-write");
const around = { maps: new Map(), helpers: new Map(), memory, effects: fixedEffects(), profile: profileFor() };

function resultOf(engine: Engine, program: Program): bigint {
  const set: LinkSet = { ...around, programs: [program] };
  const linked = engine.link(set);
  const { r0, fault } = linked.run(programId(0), { r1: BigInt(region.start), r2: 0n, type: "raw" });
  linked.dispose();
  expect(fault).toBeUndefined();
  return r0;
}

describe.skipIf(!jitAvailable)(`what is translated as one gives what its parts give${skipReason()}`, () => {
  test.each(Object.entries(SEQUENCES))(`%s, ${RUNS} times`, (name, sequence) => {
    for (let index = 0; index < MEMORY; index++) memory.views.u8[region.start + index] = (index * 37 + 11) & 0xff;
    for (let run = 0; run < RUNS; run++) {
      const program = programFrom(randomFrom(run * 65_537 + name.length), sequence);
      const wanted = resultOf(interpreter, program);
      for (const safety of LEVELS) expect(resultOf(jitAt(safety), program), `run ${run}, ${safety}`).toBe(wanted);
    }
  });
});
