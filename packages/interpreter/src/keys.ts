import { type InstructionName, ROW, ROWS, type Row } from "@bpfkit/isa";

/** No instruction begins here: the second slot of a 64-bit immediate, or the end of a program. */
export const NO_INSTRUCTION = 0;
/** Known, but nothing in this link set can do it; the immediate says why. */
export const NOT_AVAILABLE = 272;
/** A helper call the engine does itself. */
export const TAIL_CALL = 271;

/**
 * Keys of 8-byte accesses to memory that threads share, by the key they have elsewhere: what one thread writes, another must
 * not see half of. Elsewhere two halves are faster.
 */
export const WHOLE: ReadonlyMap<number, number> = new Map([
  [0x79, 273],
  [0x7a, 274],
  [0x7b, 275],
]);

/** Keys of forms that share their opcode with another; the rest use the wire opcode. */
const SELECTED: { readonly [name in InstructionName]?: number } = {
  sdiv32Imm: 256,
  sdiv32Reg: 257,
  smod32Imm: 258,
  smod32Reg: 259,
  sdiv64Imm: 260,
  sdiv64Reg: 261,
  smod64Imm: 262,
  smod64Reg: 263,
  movsx832Reg: 264,
  movsx1632Reg: 265,
  movsx864Reg: 266,
  movsx1664Reg: 267,
  movsx3264Reg: 268,
  callLocal: 269,
  callKfunc: NOT_AVAILABLE,
  addrSpaceCastKernel: NOT_AVAILABLE,
  addrSpaceCastUser: NOT_AVAILABLE,
  lddwVariable: NOT_AVAILABLE,
  lddwMapIndex: NOT_AVAILABLE,
  lddwMapIndexValue: NOT_AVAILABLE,
};

/** A call of a helper, or of a kernel function that the link set has: the immediate is its number among them. */
export const CALL: number = ROW.call.opcode;

/** The dispatch loop's case for each row of the opcode table, by the row's index. */
export const KEYS: readonly number[] = ROWS.map((row: Row) => SELECTED[row.name] ?? row.opcode);
