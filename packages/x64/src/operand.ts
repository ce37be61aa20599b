/**
 * A general register by its number in encodings (Intel SDM vol. 2, table 2-2). How wide it is read or written is the
 * form's matter, so `RAX` stands for `al`, `ax` and `eax` too. There is no `ah`, `bh`, `ch`, `dh`.
 */
export type Register = number;

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;
export const R12 = 12;
export const R13 = 13;
export const R14 = 14;
export const R15 = 15;

/** A label of one `Assembler`. */
export type Label = number;

/** `segment:[base + index * scale + displacement]`, or `[rip + label]`. */
export interface Memory {
  readonly base?: Register;
  /** Any register but `RSP`. */
  readonly index?: Register;
  /** 1, 2, 4 or 8; 1 where left out. */
  readonly scale?: number;
  /** Signed 32 bits; 0 where left out. */
  readonly displacement?: number;
  readonly segment?: "fs" | "gs";
  /** The address is taken modulo 2^32 before the segment's base is added (prefix 67h). */
  readonly address32?: boolean;
  /** Relative to the next instruction; nothing else may be given then but `displacement`. */
  readonly label?: Label;
}

/** A register's number, a place in memory, or an immediate, as the form says. */
export type Operand = Register | bigint | Memory;

/** Condition codes by the names of `jcc`, `setcc`, `cmovcc` (Intel SDM vol. 2, appendix B, table B-1). */
export const CONDITIONS = {
  o: 0,
  no: 1,
  b: 2,
  ae: 3,
  e: 4,
  ne: 5,
  be: 6,
  a: 7,
  s: 8,
  ns: 9,
  p: 10,
  np: 11,
  l: 12,
  ge: 13,
  le: 14,
  g: 15,
} as const;

export type Condition = keyof typeof CONDITIONS;

/** The condition that holds exactly where `condition` does not. */
export function inverse(condition: Condition): Condition {
  return conditionName(CONDITIONS[condition] ^ 1);
}

/** The condition of a code from 0 to 15. */
export function conditionName(code: number): Condition {
  return NAMES[code]!;
}

const NAMES: readonly Condition[] = Object.keys(CONDITIONS) as Condition[];
