import fc from "fast-check";
import { Code, Decoder, DecoderOptions, type Instruction, Mnemonic, OpKind, Register as R } from "iced-x86";
import { describe, expect, test } from "vitest";
import { Assembler, FORMS, type Form, type FormName, form, type Memory, type Operand } from "../src/index.js";

const NAMES = Object.keys(FORMS) as FormName[];

/** Decodes the one instruction in `bytes` with iced-x86. */
function decode(bytes: Uint8Array): Instruction {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const instruction = decoder.decode();
  expect(Code[instruction.code], Buffer.from(bytes).toString("hex")).not.toBe("INVALID");
  expect(instruction.length).toBe(bytes.length);
  decoder.free();
  return instruction;
}

function encode(f: Form, ...operands: Operand[]): Uint8Array {
  const code = new Assembler();
  code.emit(f, operands[0], operands[1], operands[2]);
  return code.finish().bytes;
}

const BYTE = ["AL", "CL", "DL", "BL", "SPL", "BPL", "SIL", "DIL"];
const WORD = ["AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI"];
const suffixes: Readonly<Record<number, string>> = { 8: "L", 16: "W", 32: "D", 64: "" };

function registerName(register: number, width: number): string {
  if (register >= 8) return `R${register}${suffixes[width]}`;
  if (width === 8) return BYTE[register]!;
  return `${width === 16 ? "" : width === 32 ? "E" : "R"}${WORD[register]!}`;
}

/** The width in bits the form's name gives its operand: `r/m32` → 32. */
function widthOf(name: FormName, operand: number): number {
  const explicit = name
    .replace(/^(lock |rep )?\S+ ?/, "")
    .split(", ")
    .filter((text) => !["cl", "eax", "rax", "1", ""].includes(text));
  return Number(/\d+$/.exec(explicit[operand]!)?.[0] ?? 0);
}

const register = fc.integer({ min: 0, max: 15 });
const displacement = fc.oneof(
  fc.constantFrom(0, 1, -1, 127, 128, -128, -129, 2 ** 31 - 1, -(2 ** 31)),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const memory: fc.Arbitrary<Memory> = fc
  .record(
    {
      base: register,
      index: register.filter((r) => r !== 4),
      scale: fc.constantFrom(1, 2, 4, 8),
      displacement,
      segment: fc.constantFrom("fs" as const, "gs" as const),
      address32: fc.boolean(),
    },
    { requiredKeys: ["displacement"] },
  )
  .map((m) => ({ ...m }));

function immediate(f: Form): fc.Arbitrary<Operand> {
  if (f.immediateBytes === 8) return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
  const { immediateMin: min, immediateMax: max } = f;
  return fc.oneof(fc.constantFrom(min, max, 0, 1, -1), fc.integer({ min, max }));
}

function operandsOf(f: Form): fc.Arbitrary<Operand[]> {
  const kinds = {
    register,
    memory,
    "register-or-memory": fc.oneof(register, memory),
    immediate: immediate(f),
  };
  return fc.tuple(...f.operands.map((kind) => kinds[kind] as fc.Arbitrary<Operand>));
}

function checkMemory(instruction: Instruction, wanted: Memory): void {
  const width = wanted.address32 ? 32 : 64;
  // A scaled index without base is what iced reports; without either, the displacement is absolute.
  const base = wanted.base === undefined ? "None" : registerName(wanted.base, width);
  const index = wanted.index === undefined ? "None" : registerName(wanted.index, width);
  expect(R[instruction.memoryBase]).toBe(base);
  expect(R[instruction.memoryIndex]).toBe(index);
  if (wanted.index !== undefined) expect(instruction.memoryIndexScale).toBe(wanted.scale ?? 1);
  expect(BigInt.asIntN(32, instruction.memoryDisplacement)).toBe(BigInt(wanted.displacement ?? 0));
  if (wanted.segment !== undefined) expect(R[instruction.memorySegment]).toBe(wanted.segment.toUpperCase());
}

function checkOperand(f: Form, instruction: Instruction, at: number, shown: number, wanted: Operand): void {
  const kind = instruction.opKind(shown);
  if (typeof wanted === "object") {
    expect(OpKind[kind]).toBe("Memory");
    checkMemory(instruction, wanted);
  } else if (f.operands[at] === "immediate") {
    const bits = f.immediateBytes * 8;
    const found = OpKind[kind] === "Memory" ? instruction.memoryDisplacement : instruction.immediate(shown);
    expect(BigInt.asUintN(bits, found)).toBe(BigInt.asUintN(bits, BigInt(wanted)));
  } else {
    expect(OpKind[kind]).toBe("Register");
    expect(R[instruction.opRegister(shown)]).toBe(registerName(wanted as number, widthOf(f.name, at)));
  }
}

describe("each form, decoded by iced-x86, is what was asked for", () => {
  test.each(NAMES)("%s", (name) => {
    const f = form(name);
    const [, prefix, mnemonic] = /^(lock |rep )?(\S+)/.exec(name)!;
    fc.assert(
      fc.property(operandsOf(f), (operands) => {
        const instruction = decode(encode(f, ...operands));
        // nop is xchg eax, eax; iced names it so, and gives `movsq` and `cmovcc`, `setcc` the manual's first alias.
        expect(Mnemonic[instruction.mnemonic]!.toLowerCase()).toBe(mnemonic);
        expect(instruction.hasLockPrefix).toBe(prefix === "lock ");
        expect(instruction.hasRepPrefix).toBe(prefix === "rep ");
        // Operands written out in the name (eax, rax before the others; cl, 1 behind them) shift the explicit ones.
        const shift = /(?:^| )(eax|rax),/.test(name) ? 1 : 0;
        operands.forEach((operand, at) => {
          checkOperand(f, instruction, at, at + shift, operand);
        });
        instruction.free();
      }),
      { numRuns: 60 },
    );
  });
});
