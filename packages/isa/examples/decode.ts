import { build, decode, encode, IsaError, ROW, rowOf } from "@bpfkit/isa";

// r0 = 2; if r1 == 0 goto +1; r0 += 40; exit
const code = encode([build.mov64.imm(0, 2), build.jeq.imm(1, 0, 1), build.add64.imm(0, 40), build.exit()]);

for (const instruction of decode(code)) {
  const { name, form, group, clause } = rowOf(instruction);
  console.log(`${name.padEnd(9)} ${form.padEnd(14)} ${group}, RFC 9669 §${clause}`);
}

console.log(`${ROW.sdiv64Reg.name}: opcode ${ROW.sdiv64Reg.opcode}, offset ${ROW.sdiv64Reg.select.offset}`);

try {
  decode(Uint8Array.of(0x95, 0, 0, 0, 1, 0, 0, 0));
} catch (error) {
  if (error instanceof IsaError) console.log(error.code, error.message);
}
