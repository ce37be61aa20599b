import { CALLX_OPCODE, encode, type Instruction, type InstructionName, ROW } from "@bpfkit/isa";

/** Values of an instruction's fields; what is left out is what selects the row, else 0. */
export interface FieldValues {
  readonly dst?: number;
  readonly src?: number;
  readonly offset?: number;
  readonly imm?: number;
  readonly nextImm?: number;
}

/** The bytes of one instruction. */
export function wire(name: InstructionName, fields: FieldValues = {}): Uint8Array {
  const { opcode, select, slots } = ROW[name];
  const basic: Instruction = { opcode, dst: 0, src: 0, offset: 0, imm: 0, ...select, ...fields };
  return encode([slots === 2 ? { ...basic, nextImm: fields.nextImm ?? 0 } : basic]);
}

/** The bytes of a 64-bit load of a number, signed or unsigned. */
export function wireImm64(dst: number, value: bigint): Uint8Array {
  return wire("lddw", { dst, imm: Number(BigInt.asIntN(32, value)), nextImm: Number(BigInt.asIntN(32, value >> 32n)) });
}

/** The bytes of a call by register, which is no instruction; text may hold it, so that its refusal can be seen. */
export function wireCallx(register: number): Uint8Array {
  return Uint8Array.of(CALLX_OPCODE, register, 0, 0, 0, 0, 0, 0);
}
