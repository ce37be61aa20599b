import type { Operation, Row } from "@bpfkit/isa";
import { form, RCX } from "@bpfkit/x64";
import { emitDivision } from "./division.js";
import { type Current, type Emitter, machine, type Pair, pair } from "./emitter.js";
import { SCRATCH } from "./registers.js";

/** Translates one instruction. */
export type Translate = (e: Emitter, i: Current) => void;

const MOV = pair("mov r/mN, rN");
const MOV_SIGNED = form("mov r/m64, imm32");
const MOV_R32_IMM32 = form("mov r32, imm32");
const MOV_R64_IMM64 = form("mov r64, imm64");
const LEA = pair("lea rN, m");
const SHL = pair("shl r/mN, imm8");
const IMUL = pair("imul rN, r/mN");
const IMUL8 = pair("imul rN, r/mN, imm8");
const IMUL32 = pair("imul rN, r/mN, imm32");
const NEG = pair("neg r/mN");
const XOR = pair("xor r/mN, rN");
const MOVZX16 = form("movzx r32, r/m16");
const ROL16 = form("rol r/m16, imm8");
const BSWAP = pair("bswap rN");
const MOVSX8 = pair("movsx rN, r/m8");
const MOVSX16 = pair("movsx rN, r/m16");
const MOVSXD = form("movsxd r64, r/m32");
const XCHG64 = form("xchg r/m64, r64");

/** 32 where the operation is on 32 bits, and a write clears the register's upper half, as in RFC 9669 §4.1. */
export function widthOf(row: Row): 32 | 64 {
  return row.width === 64 ? 64 : 32;
}

export function isImmediate(row: Row): boolean {
  return row.form === "dst,imm" || row.form === "dst,imm,offset" || row.form === "[dst+offset],imm";
}

/** Register-register, register-imm8 and register-imm32 forms of one machine instruction. */
export interface Binary {
  readonly register: Pair;
  readonly imm8: Pair;
  readonly imm32: Pair;
}

export function binaryForms(mnemonic: string): Binary {
  return {
    register: pair(`${mnemonic} r/mN, rN`),
    imm8: pair(`${mnemonic} r/mN, imm8`),
    imm32: pair(`${mnemonic} r/mN, imm32`),
  };
}

/** `dst op= imm`, in the shortest form. */
export function emitImmediate(e: Emitter, forms: Binary, width: 32 | 64, register: number, imm: number): void {
  e.emit((imm >= -128 && imm <= 127 ? forms.imm8 : forms.imm32)[width], register, imm);
}

function binary(mnemonic: string): Translate {
  const forms = binaryForms(mnemonic);
  return (e, { row, dst, src, imm }) => {
    const width = widthOf(row);
    if (isImmediate(row)) emitImmediate(e, forms, width, machine(dst), imm);
    else e.emit(forms.register[width], machine(dst), machine(src));
  };
}

const AND = binaryForms("and");

/** A non-negative mask clears the upper half anyhow, which the shorter 32-bit form does by itself. */
const and: Translate = (e, { row, dst, src, imm }) => {
  const width = isImmediate(row) && imm >= 0 ? 32 : widthOf(row);
  if (isImmediate(row)) emitImmediate(e, AND, width, machine(dst), imm);
  else e.emit(AND.register[width], machine(dst), machine(src));
};

/** A 64-bit constant in the shortest form that gives it. */
export function emitConstant(e: Emitter, register: number, value: bigint): void {
  const wide = BigInt.asUintN(64, value);
  if (wide === 0n) e.emit(XOR[32], register, register);
  else if (wide < 1n << 32n) e.emit(MOV_R32_IMM32, register, Number(wide));
  else if (BigInt.asIntN(64, wide) >= -(1n << 31n) && BigInt.asIntN(64, wide) < 0n) {
    e.emit(MOV_SIGNED, register, Number(BigInt.asIntN(64, wide)));
  } else e.emit(MOV_R64_IMM64, register, wide);
}

const mov: Translate = (e, { row, dst, src, imm }) => {
  const width = widthOf(row);
  if (!isImmediate(row)) {
    if (width === 32 || dst !== src) e.emit(MOV[width], machine(dst), machine(src));
  } else if (imm === 0) e.emit(XOR[32], machine(dst), machine(dst));
  else if (width === 32 || imm > 0) e.emit(MOV_R32_IMM32, machine(dst), imm);
  else e.emit(MOV_SIGNED, machine(dst), imm);
};

const mul: Translate = (e, { row, dst, src, imm }) => {
  const width = widthOf(row);
  const register = machine(dst);
  if (!isImmediate(row)) e.emit(IMUL[width], register, machine(src));
  else if (imm === 3 || imm === 5 || imm === 9)
    e.emit(LEA[width], register, { base: register, index: register, scale: imm - 1 });
  else if (imm > 1 && (imm & (imm - 1)) === 0) e.emit(SHL[width], register, 31 - Math.clz32(imm));
  else e.emit((imm >= -128 && imm <= 127 ? IMUL8 : IMUL32)[width], machine(dst), machine(dst), imm);
};

const neg: Translate = (e, { row, dst }) => e.emit(NEG[widthOf(row)], machine(dst));

/** Shifts take the count modulo the width (RFC 9669 §4.1), which is what the processor does. */
function shift(mnemonic: string, bmi2Mnemonic: string): Translate {
  const byOne = pair(`${mnemonic} r/mN, 1`);
  const byImmediate = pair(`${mnemonic} r/mN, imm8`);
  const byCl = pair(`${mnemonic} r/mN, cl`);
  const bmi2 = pair(`${bmi2Mnemonic} rN, r/mN, rN`);
  return (e, { row, dst, src, imm }) => {
    const width = widthOf(row);
    const count = imm & (width - 1);
    const register = machine(dst);
    if (isImmediate(row)) {
      if (count === 1) e.emit(byOne[width], register);
      else if (count !== 0 || width === 32) e.emit(byImmediate[width], register, count);
    } else if (machine(src) === RCX && register !== RCX) e.emit(byCl[width], register);
    else if (e.context.bmi2) e.emit(bmi2[width], register, register, machine(src));
    else shiftByRegister(e, byCl, width, register, machine(src));
  };
}

/** Without BMI2 the count must be in cl, so rcx is swapped out for it. */
function shiftByRegister(e: Emitter, byCl: Pair, width: 32 | 64, register: number, count: number): void {
  e.emit(MOV[64], SCRATCH, register);
  if (count === RCX) {
    e.emit(byCl[width], SCRATCH);
    e.emit(MOV[64], register, SCRATCH);
    return;
  }
  e.emit(XCHG64, RCX, count);
  e.emit(byCl[width], SCRATCH);
  e.emit(XCHG64, RCX, count);
  e.emit(MOV[64], register, SCRATCH);
}

const movsx: Translate = (e, { row, dst, src }) => {
  const width = widthOf(row);
  if (row.from === 32) e.emit(MOVSXD, machine(dst), machine(src));
  else e.emit((row.from === 8 ? MOVSX8 : MOVSX16)[width], machine(dst), machine(src));
};

/** `le`: this machine is little endian, so only the upper bits go. */
const le: Translate = (e, { row, dst }) => {
  if (row.width === 16) e.emit(MOVZX16, machine(dst), machine(dst));
  else if (row.width === 32) e.emit(MOV[32], machine(dst), machine(dst));
};

/** `be` and `bswap` are the same on this machine. */
const bswap: Translate = (e, { row, dst }) => {
  if (row.width === 16) {
    e.emit(ROL16, machine(dst), 8);
    e.emit(MOVZX16, machine(dst), machine(dst));
  } else e.emit(BSWAP[row.width === 64 ? 64 : 32], machine(dst));
};

/** RFC 9669 §4.1 and §4.2, by operation. */
export const ARITHMETIC: { readonly [operation in Operation]?: Translate } = {
  add: binary("add"),
  sub: binary("sub"),
  or: binary("or"),
  xor: binary("xor"),
  and,
  mov,
  mul,
  neg,
  lsh: shift("shl", "shlx"),
  rsh: shift("shr", "shrx"),
  arsh: shift("sar", "sarx"),
  div: emitDivision,
  mod: emitDivision,
  sdiv: emitDivision,
  smod: emitDivision,
  movsx,
  le,
  be: bswap,
  bswap,
};
