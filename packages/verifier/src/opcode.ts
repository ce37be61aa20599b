/** Opcode fields (RFC 9669 §3.1, §4.1, §4.3), as the low bits of the opcode byte spell them. */

export const CLASS_LD = 0x00;
export const CLASS_LDX = 0x01;
export const CLASS_ST = 0x02;
export const CLASS_STX = 0x03;
export const CLASS_ALU = 0x04;
export const CLASS_JMP = 0x05;
export const CLASS_JMP32 = 0x06;
export const CLASS_ALU64 = 0x07;

/** Source operand is the register `src` rather than the immediate. */
export const SOURCE_REGISTER = 0x08;

export const ADD = 0x00;
export const SUB = 0x10;
export const MUL = 0x20;
export const DIV = 0x30;
export const OR = 0x40;
export const AND = 0x50;
export const LSH = 0x60;
export const RSH = 0x70;
export const NEG = 0x80;
export const MOD = 0x90;
export const XOR = 0xa0;
export const MOV = 0xb0;
export const ARSH = 0xc0;
export const END = 0xd0;

export const JA = 0x00;
export const JEQ = 0x10;
export const JGT = 0x20;
export const JGE = 0x30;
export const JSET = 0x40;
export const JNE = 0x50;
export const JSGT = 0x60;
export const JSGE = 0x70;
export const CALL = 0x80;
export const EXIT = 0x90;
export const JLT = 0xa0;
export const JLE = 0xb0;
export const JSLT = 0xc0;
export const JSLE = 0xd0;
export const JCOND = 0xe0;

export const MODE_IMM = 0x00;
export const MODE_ABS = 0x20;
export const MODE_IND = 0x40;
export const MODE_MEM = 0x60;
export const MODE_MEMSX = 0x80;
export const MODE_ATOMIC = 0xc0;

/** Size field of a double word. */
export const SIZE_DW = 0x18;

/** The first slot of a 64-bit load. */
export const LD_IMM64 = 0x18;
export const CALL_OPCODE = 0x85;
export const EXIT_OPCODE = 0x95;
export const JA_OPCODE = 0x05;
export const JA32_OPCODE = 0x06;

/** Source register values of a call: helper, subprogram, kfunc. */
export const CALL_HELPER = 0;
export const CALL_SUBPROGRAM = 1;
export const CALL_KFUNC = 2;

/** Source register values of a 64-bit load. */
export const LOAD_MAP = 1;
export const LOAD_MAP_VALUE = 2;
export const LOAD_BTF_ID = 3;
export const LOAD_FUNCTION = 4;

export const ATOMIC_FETCH = 0x01;
export const ATOMIC_XCHG = 0xe1;
export const ATOMIC_CMPXCHG = 0xf1;
export const ATOMIC_LOAD_ACQUIRE = 0x100;
export const ATOMIC_STORE_RELEASE = 0x110;

/** Bytes a load or store of this opcode touches. */
export function accessSize(opcode: number): number {
  switch (opcode & 0x18) {
    case 0x00:
      return 4;
    case 0x08:
      return 2;
    case 0x10:
      return 1;
    default:
      return 8;
  }
}
