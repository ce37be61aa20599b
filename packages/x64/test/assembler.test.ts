import fc from "fast-check";
import { Decoder, DecoderOptions, type Instruction, Mnemonic } from "iced-x86";
import { describe, expect, test } from "vitest";
import {
  Assembler,
  CONDITIONS,
  type Condition,
  form,
  inverse,
  type Operand,
  RAX,
  RCX,
  RSP,
  X64Error,
} from "../src/index.js";

const NOP = form("nop");

function* instructions(bytes: Uint8Array): Generator<Instruction> {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  while (decoder.canDecode) yield decoder.decode();
}

function nops(code: Assembler, count: number): void {
  for (let i = 0; i < count; i++) code.emit(NOP);
}

describe("branches", () => {
  test.each([
    ["forward, last that is short", 127, 2],
    ["forward, first that is long", 128, 5],
  ])("%s", (_, between, size) => {
    const code = new Assembler();
    const end = code.label();
    code.jump(end);
    nops(code, between);
    code.bind(end);
    expect(code.finish().bytes.length).toBe(between + size);
  });

  test.each([
    ["backward, last that is short", 126, 2],
    ["backward, first that is long", 127, 6],
  ])("%s", (_, between, size) => {
    const code = new Assembler();
    const start = code.mark();
    nops(code, between);
    code.jump(start, "ne");
    expect(code.finish().bytes.length).toBe(between + size);
  });

  test("one that grows pushes the next out of reach", () => {
    const code = new Assembler();
    const [a, b] = [code.label(), code.label()];
    code.jump(a);
    nops(code, 100);
    code.jump(b);
    nops(code, 25);
    code.bind(a);
    nops(code, 103);
    code.bind(b);
    // The second jump is 128 bytes short of b and becomes long; only then is a out of the first one's reach.
    expect(code.finish().bytes.length).toBe(5 + 100 + 5 + 25 + 103);
  });

  test("a chain where each round lets one more grow ends within the bound and is right", () => {
    const code = new Assembler();
    const count = 200;
    const labels = Array.from({ length: count + 1 }, () => code.label());
    // Each jump spans exactly to the edge while the next is short, and one byte too far once it is long.
    for (let i = 0; i < count; i++) {
      code.jump(labels[i + 1]!);
      nops(code, 62);
      if (i > 0) code.bind(labels[i]!);
      nops(code, 61);
    }
    nops(code, 70);
    code.bind(labels[count]!);
    code.bind(labels[0]!);
    const { bytes, labels: at } = code.finish();
    const targets = new Set(at);
    for (const instruction of instructions(bytes)) {
      if (instruction.mnemonic === Mnemonic.Jmp) expect(targets.has(Number(instruction.nearBranchTarget))).toBe(true);
      instruction.free();
    }
  });

  const conditions = Object.keys(CONDITIONS) as Condition[];
  test("law: every branch lands on its label, whatever lies between", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("nops" as const), count: fc.integer({ min: 0, max: 140 }) }),
      fc.record({
        kind: fc.constantFrom("jump" as const, "call" as const),
        to: fc.nat(),
        condition: fc.option(fc.constantFrom(...conditions), { nil: undefined }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const code = new Assembler(16);
        const labels = steps.map(() => code.label());
        const expected: number[] = [];
        steps.forEach((s, i) => {
          code.bind(labels[i]!);
          if (s.kind === "nops") {
            nops(code, s.count);
            return;
          }
          const to = labels[s.to % labels.length]!;
          expected.push(to);
          if (s.kind === "call") code.call(to);
          else code.jump(to, s.condition);
        });
        const result = code.finish();
        const found: number[] = [];
        for (const instruction of instructions(result.bytes)) {
          if (instruction.mnemonic !== Mnemonic.Nop) found.push(Number(instruction.nearBranchTarget));
          instruction.free();
        }
        expect(found).toEqual(expected.map((label) => result.labels[label]));
      }),
      { numRuns: 200 },
    );
  });

  test.each(conditions)("the inverse of the inverse of %s is itself", (condition) => {
    expect(inverse(inverse(condition))).toBe(condition);
    expect(inverse(condition)).not.toBe(condition);
  });
});

describe("labels in memory operands and fixups", () => {
  test("[rip + label] reaches its data past branches and an immediate", () => {
    const code = new Assembler();
    const data = code.label();
    const end = code.label();
    code.emit(form("mov r/m32, imm32"), { label: data, displacement: 4 }, 7);
    code.jump(end);
    nops(code, 200);
    code.bind(end);
    code.bind(data);
    code.data(new Uint8Array(8));
    const { bytes, labels } = code.finish();
    const decoder = new Decoder(64, bytes, DecoderOptions.None);
    expect(Number(decoder.decode().ipRelMemoryAddress)).toBe(labels[data]! + 4);
  });

  test("fixups keep their place behind branches of any size", () => {
    const code = new Assembler();
    const end = code.label();
    code.jump(end);
    code.callFixup(5);
    code.addressFixup(9, 6);
    nops(code, 200);
    code.bind(end);
    const { bytes, fixups } = code.finish();
    expect(fixups).toEqual([
      { at: 6, kind: "rel32", target: 5 },
      { at: 12, kind: "abs64", target: 6 },
    ]);
    expect([...bytes.subarray(5, 20)]).toEqual([0xe8, 0, 0, 0, 0, 0x49, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe("what is refused", () => {
  const cases: [string, string, () => void][] = [
    ["an unknown form", "UNKNOWN_FORM", () => form("frob r64" as "nop")],
    ["register 16", "BAD_OPERAND", () => emit("push r64", 16)],
    ["a fraction as register", "BAD_OPERAND", () => emit("push r64", 1.5)],
    ["memory for a register", "BAD_OPERAND", () => emit("push r64", { base: RAX })],
    ["memory where wrgsbase needs a register", "BAD_OPERAND", () => emit("wrgsbase r64", { base: RAX })],
    ["a register for lea's memory", "BAD_OPERAND", () => emit("lea r64, m", RAX, RCX)],
    ["rsp as index", "BAD_OPERAND", () => emit("mov r64, r/m64", RAX, { base: RAX, index: RSP })],
    ["scale 3", "BAD_OPERAND", () => emit("mov r64, r/m64", RAX, { index: RAX, scale: 3 })],
    ["a wide displacement", "OUT_OF_RANGE", () => emit("mov r64, r/m64", RAX, { base: RAX, displacement: 2 ** 31 })],
    ["imm8 of 128 that is sign-extended", "OUT_OF_RANGE", () => emit("add r/m64, imm8", RAX, 128)],
    ["imm32 of 2^31 that is sign-extended", "OUT_OF_RANGE", () => emit("add r/m64, imm32", RAX, 2 ** 31)],
    ["imm32 of 2^32", "OUT_OF_RANGE", () => emit("mov r32, imm32", RAX, 2 ** 32)],
    ["imm64 of 2^64", "OUT_OF_RANGE", () => emit("mov r64, imm64", RAX, 2n ** 64n)],
    ["NaN", "BAD_OPERAND", () => emit("add r/m64, imm8", RAX, Number.NaN)],
    ["a branch to a label never bound", "BAD_LABEL", () => unbound()],
    ["a label bound twice", "BAD_LABEL", () => twice()],
    ["a label of no one", "BAD_LABEL", () => new Assembler().bind(3)],
  ];
  test.each(cases)("%s: %s", (_, code, run) => {
    expect(run).toThrow(X64Error);
    expect(run).toThrow(expect.objectContaining({ code }));
  });

  test("a refused instruction leaves no bytes behind", () => {
    const code = new Assembler();
    expect(() => code.emit(form("add r/m64, imm8"), RAX, 300)).toThrow(X64Error);
    code.emit(NOP);
    expect([...code.finish().bytes]).toEqual([0x90]);
  });
});

function emit(name: Parameters<typeof form>[0], ...operands: Operand[]): void {
  new Assembler().emit(form(name), operands[0], operands[1]);
}

function unbound(): void {
  const code = new Assembler();
  code.jump(code.label());
  code.finish();
}

function twice(): void {
  const code = new Assembler();
  code.bind(code.mark());
}

describe("alignment", () => {
  test("law: what follows lies at a multiple, whatever branches before it come to", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 150 }), fc.constantFrom(1, 2, 4, 8, 16, 32)), { maxLength: 12 }),
        (parts) => {
          const code = new Assembler();
          const end = code.label();
          const marks = parts.map(([count, bytes]) => {
            code.jump(end, "e");
            nops(code, count);
            code.align(bytes);
            return { label: code.mark(), bytes };
          });
          code.bind(end);
          const { bytes, labels } = code.finish();
          for (const mark of marks) expect(labels[mark.label]! % mark.bytes).toBe(0);
          for (const instruction of instructions(bytes)) {
            if (instruction.mnemonic === Mnemonic.Je) expect(Number(instruction.nearBranchTarget)).toBe(labels[end]);
            else expect(instruction.mnemonic).toBe(Mnemonic.Nop);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test("to three bytes is refused", () => {
    expect(() => new Assembler().align(3)).toThrow(expect.objectContaining({ code: "BAD_OPERAND" }));
  });
});
