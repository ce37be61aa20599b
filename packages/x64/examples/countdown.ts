import { Assembler, form, RAX, RDI } from "@bpfkit/x64";

// sum(n) = n + (n - 1) + … + 1, in the System V calling convention.
const code = new Assembler(64, true);
const done = code.label();
code.emit(form("xor r/m32, r32"), RAX, RAX);
const again = code.mark();
code.emit(form("test r/m64, r64"), RDI, RDI);
code.jump(done, "e");
code.emit(form("add r/m64, r64"), RAX, RDI);
code.emit(form("sub r/m64, imm8"), RDI, 1);
code.jump(again);
code.bind(done);
code.emit(form("ret"));

const { bytes, text } = code.finish();
for (const [index, { at, text: line, target }] of text.entries()) {
  const hex = Buffer.from(bytes.subarray(at, text[index + 1]?.at)).toString("hex");
  console.log(`${at.toString().padStart(2)}  ${hex.padEnd(8)}  ${line}${target === undefined ? "" : ` ${target}`}`);
}
