import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from "iced-x86";
import { describe, expect, test } from "vitest";
import {
  Assembler,
  type FormName,
  form,
  formatInstruction,
  type Operand,
  R9,
  R12,
  RAX,
  RCX,
  RDI,
  RSI,
} from "../src/index.js";

const rows: [FormName, Operand[], string][] = [
  ["mov r64, r/m64", [RAX, { base: R12, index: RDI, displacement: 8 }], "mov rax, qword [r12+rdi+0x8]"],
  ["mov r/m8, r8", [{ base: RDI, displacement: -1 }, RSI], "mov byte [rdi-0x1], sil"],
  ["movzx r32, r/m16", [R9, RCX], "movzx r9d, cx"],
  ["lea r64, m", [RAX, { base: RCX, index: RAX, scale: 4 }], "lea rax, [rcx+rax*4]"],
  ["shl r/m32, cl", [R12], "shl r12d, cl"],
  ["add r/m64, imm8", [RAX, -8], "add rax, -0x8"],
  ["lock xadd m64, r64", [{ base: R12 }, RAX], "lock xadd qword [r12], rax"],
  ["mov r32, imm32", [RAX, 0x10], "mov eax, 0x10"],
  ["mov r/m32, r32", [{ base: RAX, segment: "gs", address32: true }, RCX], "mov dword gs:[eax], ecx"],
  ["ret", [], "ret"],
];

describe("instructions as text", () => {
  test.each(rows)("%s", (name, operands, text) => {
    expect(formatInstruction(form(name), operands)).toBe(text);
  });

  test.each(rows)("%s reads as iced-x86 has it, but for the size it leaves out beside a register", (name, operands) => {
    const code = new Assembler(64, true);
    code.emit(form(name), operands[0], operands[1]);
    const { bytes, text } = code.finish();
    const formatter = new Formatter(FormatterSyntax.Nasm);
    const decoder = new Decoder(64, bytes, DecoderOptions.None);
    const plain = (line: string): string =>
      line
        .replace(/byte |word |dword |qword |strict |near | /g, "")
        .replace(/\b0x([0-9a-f]+)/g, (_, digits) => String(Number.parseInt(digits, 16)))
        .replace(/0FFFFFFFFFFFFFFF([0-9A-F])h/, (_, digit) => String(Number.parseInt(digit, 16) - 16))
        .replace(/\b([0-9a-f]+)h\b/g, (_, digits) => String(Number.parseInt(digits, 16)));
    expect(plain(text[0]!.text)).toBe(plain(formatter.format(decoder.decode())).replace(/\[gs:(.*)\]/, "gs:[$1]"));
  });

  test("branches and alignment are lines too, where the code has them", () => {
    const code = new Assembler(64, true);
    const end = code.label();
    code.emit(form("nop"));
    code.align(4);
    code.jump(end, "ne");
    code.emit(form("ret"));
    code.bind(end);
    expect(code.finish().text).toEqual([
      { at: 0, text: "nop" },
      { at: 1, text: "nop" },
      { at: 4, text: "jne", target: 7 },
      { at: 6, text: "ret" },
    ]);
  });
});
