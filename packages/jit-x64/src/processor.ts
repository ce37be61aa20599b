import type { ExecutableMemory } from "@bpfkit/core";
import { Assembler, form, RAX, RBX, RCX } from "@bpfkit/x64";

const BMI2 = 1 << 8;

/** Whether the processor has BMI2 (CPUID leaf 7, EBX bit 8), asked by a few instructions of machine code. */
export function hasBmi2(native: ExecutableMemory): boolean {
  const code = new Assembler();
  const no = code.label();
  const end = code.label();
  code.emit(form("push r64"), RBX);
  code.emit(form("mov r32, imm32"), RAX, 0);
  code.emit(form("cpuid"));
  code.emit(form("cmp r/m32, imm8"), RAX, 7);
  code.emit(form("mov r32, imm32"), RAX, 0);
  code.jump(no, "b");
  code.emit(form("mov r32, imm32"), RAX, 7);
  code.emit(form("xor r/m32, r32"), RCX, RCX);
  code.emit(form("cpuid"));
  code.emit(form("mov r/m32, r32"), RAX, RBX);
  code.jump(end);
  code.bind(no);
  code.bind(end);
  code.emit(form("pop r64"), RBX);
  code.emit(form("ret"));
  const { bytes } = code.finish();
  const pages = native.reserve(bytes.length);
  try {
    pages.seal(bytes);
    return (pages.entry(0, "i32")() & BMI2) !== 0;
  } finally {
    pages.free();
  }
}
