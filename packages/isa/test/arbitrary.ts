import fc from "fast-check";
import { type Instruction, ROWS, type Row } from "../src/index.js";

const register = fc.integer({ min: 0, max: 10 });
const int16 = fc.integer({ min: -0x8000, max: 0x7fff });
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });

/** Any valid instruction of a row. */
export function instructionOf(row: Row): fc.Arbitrary<Instruction> {
  const field = (name: "dst" | "src" | "offset" | "imm", any: fc.Arbitrary<number>): fc.Arbitrary<number> =>
    row.fields.includes(name) ? any : fc.constant(name === "dst" ? 0 : (row.select[name] ?? 0));
  const basic = fc.record({
    opcode: fc.constant(row.opcode),
    dst: field("dst", register),
    src: field("src", register),
    offset: field("offset", int16),
    imm: field("imm", int32),
  });
  if (row.slots === 1) return basic;
  const nextImm = row.fields.includes("nextImm") ? int32 : fc.constant(0);
  return fc.tuple(basic, nextImm).map(([first, next]) => ({ ...first, nextImm: next }));
}

/** Any valid instruction. */
export const instruction: fc.Arbitrary<Instruction> = fc.constantFrom(...ROWS).chain((row) => instructionOf(row));
