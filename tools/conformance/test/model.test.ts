import { DEFAULT_PROFILE } from "@bpfkit/abi";
import { type Effects, guestAddress, programId } from "@bpfkit/core";
import { interpreter } from "@bpfkit/interpreter";
import { encode, type Instruction, ROWS, type Row } from "@bpfkit/isa";
import { createGuestMemory } from "@bpfkit/memory";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ModelState, modelStep } from "../src/model.js";

const effects: Effects = { clock: () => 0n, random: () => 0, cpu: () => 0, trace: () => {} };

/** Bytes the instructions work on; an odd number, so that the last granule is partial. */
const SIZE = 45;
const memory = createGuestMemory();
const region = memory.reserve("the memory", SIZE, "read-write");
const base = BigInt(region.start);

const MODELLED = ROWS.filter(({ name, operation }) => {
  const elsewhere = ["call", "exit", "mayGoto", "loadPacket", "addrSpaceCast"];
  return !elsewhere.includes(operation) && (operation !== "lddw" || name === "lddw");
});
const CONTEXT = { r1: 0n, r2: 0n, type: "raw" };
const SET_UP = 10;

/** An instruction of a row, its own fields from `fields`. */
function instructionOf({ opcode, select, fields }: Row, from: Omit<Instruction, "opcode">): Instruction {
  const pick = (field: "dst" | "src" | "offset" | "imm"): number => (fields.includes(field) ? from[field] : 0);
  const own = { dst: pick("dst"), src: pick("src"), offset: pick("offset"), imm: pick("imm") };
  const wide = opcode === 0x18 ? { nextImm: from.nextImm ?? 0 } : {};
  return { opcode, ...own, ...select, ...wide };
}

const load = (dst: number, value: bigint): Instruction => {
  const half = (at: bigint): number => Number(BigInt.asIntN(32, value >> at));
  return { opcode: 0x18, dst, src: 0, offset: 0, imm: half(0n), nextImm: half(32n) };
};
const EXIT: Instruction = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };

/** Runs one instruction in the interpreter and says what it did, in the model's words. */
function interpreterStep(row: Row, instruction: Instruction, state: ModelState): string {
  // Jumps skip one slot.
  const jump = row.target === undefined ? {} : { [row.target]: 1 };
  const setUp = state.registers.slice(0, SET_UP).map((value, register) => load(register, value));
  const code = encode([...setUp, { ...instruction, ...jump }, EXIT, EXIT]);
  const program = { name: "one", type: "raw", code, subprograms: [], references: [] };
  const set = { programs: [program], maps: new Map(), helpers: new Map(), memory, effects, profile: DEFAULT_PROFILE };
  memory.views.u8.set(state.memory, region.start);
  const linked = interpreter.link(set);
  const stepper = linked.start(programId(0), CONTEXT);
  for (let step = 0; step <= SET_UP; step++) stepper.step();
  state.memory.set(memory.views.u8.subarray(region.start, region.start + SIZE));
  stepper.registers.forEach((value, register) => {
    state.registers[register] = value;
  });
  const { fault } = stepper.result ?? {};
  const { slot } = stepper.frame;
  stepper.dispose();
  linked.dispose();
  if (fault !== undefined) return `${fault.kind} fault`;
  const next = 2 * SET_UP + row.slots;
  return slot === next ? "next" : slot === next + 1 ? "taken" : `at slot ${slot}`;
}

const BOUNDARIES = [0n, 1n, 31n, 32n, 63n, 64n, 0x7fn, 0x80n, 0xffffn, 0x8000n, 0x7fff_ffffn, 0x8000_0000n];
const WIDE = [0xffff_ffffn, 1n << 32n, (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n];
const u64 = fc.oneof(
  fc.constantFrom(...BOUNDARIES, ...WIDE, ...BOUNDARIES.map((value) => BigInt.asUintN(64, -value))),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.bigInt({ min: -70n, max: 70n }).map((value) => BigInt.asUintN(64, value)),
);
const s32 = fc.oneof(fc.constantFrom(0, 1, -1, 2, 31, 32, 63, 64, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
/** What an address register holds: in or just around the memory, and what only looks like it. */
const address = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt({ min: base - 20n, max: base + BigInt(SIZE) + 20n }) },
  { weight: 1, arbitrary: fc.constantFrom(base + (1n << 32n), base | (1n << 63n), 0n, 0xffff_ffffn, 1n << 32n) },
  { weight: 1, arbitrary: u64 },
);
const offset = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -16, max: 16 }) },
  { weight: 1, arbitrary: fc.constantFrom(-32768, 32767) },
);
const register = fc.nat(9);

interface Sample {
  readonly registers: bigint[];
  readonly bytes: Uint8Array;
  readonly fields: Omit<Instruction, "opcode">;
  /** How much of r0 is as the memory holds it: with all of it, an exchange by comparison takes place. */
  readonly matches: "nothing" | "low half" | "all";
}

const sample: fc.Arbitrary<Sample> = fc
  .record({
    registers: fc.array(u64, { minLength: SET_UP, maxLength: SET_UP }),
    bytes: fc.uint8Array({ minLength: SIZE, maxLength: SIZE }),
    fields: fc.record({ dst: register, src: register, offset, imm: s32, nextImm: s32 }),
    pointer: address,
    matches: fc.constantFrom("nothing", "low half", "all"),
  })
  .map(({ pointer, ...rest }) => ({ ...rest, registers: rest.registers.with(rest.fields.dst, pointer) }));

/** The pointer is in `dst`; loads have it in `src`. */
function stateOf(row: Row, { registers, bytes, fields, matches }: Sample): ModelState {
  const own = [...registers, 0n];
  const accesses = row.form.includes("[");
  if (!accesses) own[fields.dst] = registers[(fields.dst + 1) % SET_UP]!;
  if (row.form === "dst,[src+offset]") own[fields.src] = registers[fields.dst]!;
  if (row.operation === "cmpxchg" && matches !== "nothing" && fields.dst !== 0) {
    const at = Number(own[fields.dst]! + BigInt(fields.offset) - base);
    const size = row.width! / 8;
    if (at >= 0 && at + size <= SIZE)
      own[0] = littleEndian(bytes.subarray(at, at + size)) ^ (matches === "all" ? 0n : 1n << 40n);
  }
  return { registers: own, memory: Uint8Array.from(bytes), base };
}

const littleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

describe("each instruction does in the interpreter what RFC 9669 says", () => {
  test.each(MODELLED.map((row) => [row.name, row] as const))("%s", (_, row) => {
    fc.assert(
      fc.property(sample, (one) => {
        const instruction = instructionOf(row, one.fields);
        const [model, real] = [stateOf(row, one), stateOf(row, one)];
        const outcomes = [modelStep(row, instruction, model), interpreterStep(row, instruction, real)];
        model.registers[10] = real.registers[10]!;
        expect([outcomes[1], real]).toEqual([outcomes[0], model]);
      }),
      { numRuns: Number(process.env["FC_NUM_RUNS"] ?? 40) },
    );
  });

  test("all but calls, packets and what only a kernel has are modelled", () => {
    expect(ROWS.length - MODELLED.length).toBe(19);
  });
});

describe("where accesses begin and end", () => {
  const pointers = [-32768, -9, -8, -1, 0, 1, 7, 8, 37, 38, 41, 43, 44, 45, 46, 60, 32767].flatMap((at) =>
    [0, 1, -1, 8, -32768, 32767].map((off) => [at, off] as const),
  );
  const accesses = MODELLED.filter(({ form }) => form.includes("["));

  test.each(accesses.map((row) => [row.name, row] as const))("%s", (_, row) => {
    for (const [at, off] of pointers) {
      const instruction = instructionOf(row, { dst: 2, src: 3, offset: off, imm: -2 });
      const states = [0, 1].map((): ModelState => {
        const registers = Array.from({ length: 11 }, (_, index) => BigInt(index));
        registers[2] = BigInt.asUintN(64, base + BigInt(at) - BigInt(off));
        registers[3] = row.form === "dst,[src+offset]" ? registers[2] : 0xf00d_0000_1234_5678n;
        return { registers, memory: Uint8Array.from({ length: SIZE }, (_, index) => 0xf0 - index), base };
      });
      const [model, real] = states as [ModelState, ModelState];
      const expected = modelStep(row, instruction, model);
      const got = interpreterStep(row, instruction, real);
      model.registers[10] = real.registers[10]!;
      expect([at, off, got, real]).toEqual([at, off, expected, model]);
    }
  });

  test.each([
    [guestAddress(0), -1, "0xffffffffffffffff"],
    [guestAddress(8), -32768, "0xffffffffffff8008"],
    [guestAddress(0xffff_ffff), 32767, "0x100007ffe"],
    [guestAddress(0xffff_fff8), 8, "0x100000000"],
    [guestAddress(0xffff_8000), -32768, "0xffff0000"],
  ])("an address of 0x%x plus %i does not wrap", (pointer, off, shown) => {
    const code = encode([load(1, BigInt(pointer)), { opcode: 0x79, dst: 0, src: 1, offset: off, imm: 0 }, EXIT]);
    const program = { name: "one", type: "raw", code, subprograms: [], references: [] };
    const set = { programs: [program], maps: new Map(), helpers: new Map(), memory, effects, profile: DEFAULT_PROFILE };
    const { fault } = interpreter.link(set).run(programId(0), CONTEXT);
    expect(fault?.message).toContain(`read of 8 bytes at ${shown}, `);
  });
});
