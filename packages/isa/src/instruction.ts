/**
 * One instruction as it is on the wire (RFC 9669 §3.1, little endian); plain data, nothing else rides in it.
 *
 * ```text
 * bits   0        8       12      16               32                              64
 *        +--------+-------+-------+----------------+-------------------------------+
 *        | opcode |  dst  |  src  |     offset     |              imm              |
 *        +--------+-------+-------+----------------+-------------------------------+
 *        |            0 (reserved)                 |            nextImm            |   64-bit immediates only
 *        +-----------------------------------------+-------------------------------+
 * ```
 */
export interface Instruction {
  /** 0–255. */
  readonly opcode: number;
  /** Destination register, 0–10. */
  readonly dst: number;
  /** Source register, 0–10, or the selector of a call or 64-bit immediate. */
  readonly src: number;
  /** Signed 16 bits: bytes for memory, slots for jumps. */
  readonly offset: number;
  /** Signed 32 bits. */
  readonly imm: number;
  /** The second slot's immediate, signed 32 bits; there for 64-bit immediates and for nothing else. */
  readonly nextImm?: number;
}

/** Opcode of all 64-bit immediates (RFC 9669 §5.4), the only instructions of two slots. */
export const WIDE_OPCODE = 0x18;

/** Opcode of the call by register (`callx`) that uBPF and old clang know; it never became part of the instruction set. */
export const CALLX_OPCODE = 0x8d;

/** How many 8-byte slots an instruction takes. */
export function slotsOf(instruction: Instruction): 1 | 2 {
  return instruction.opcode === WIDE_OPCODE ? 2 : 1;
}

/** The 64-bit immediate `(nextImm << 32) | imm`, unsigned (RFC 9669 §5.4). */
export function imm64(instruction: Instruction): bigint {
  return (BigInt.asUintN(32, BigInt(instruction.nextImm ?? 0)) << 32n) | BigInt.asUintN(32, BigInt(instruction.imm));
}
