import { form, RAX, RDX } from "@bpfkit/x64";
import { emitConstant, isImmediate, widthOf } from "./arithmetic.js";
import { type Current, type Emitter, machine, pair } from "./emitter.js";
import { SCRATCH, SCRATCH2 } from "./registers.js";

const MOV = pair("mov r/mN, rN");
const XOR = pair("xor r/mN, rN");
const TEST = pair("test r/mN, rN");
const NEG = pair("neg r/mN");
const DIV = pair("div r/mN");
const IDIV = pair("idiv r/mN");
const CMP8 = pair("cmp r/mN, imm8");
const SHR = pair("shr r/mN, imm8");
const SHR1 = pair("shr r/mN, 1");
const AND = pair("and r/mN, imm32");
const SUB = pair("sub r/mN, rN");
const ADD = pair("add r/mN, rN");
const IMUL = pair("imul rN, r/mN");
const IMUL_IMM = pair("imul rN, r/mN, imm32");
const MUL = pair("mul r/mN");
const MULX = form("mulx r64, r64, r/m64");
const CDQ = { 32: form("cdq"), 64: form("cqo") };
const PUSH = form("push r64");
const POP = form("pop r64");
const MOV_IMM64 = form("mov r64, imm64");

/** `div`, `mod`, `sdiv`, `smod` (RFC 9669 §4.1): by zero the quotient is 0 and the remainder the dividend. */
export function emitDivision(e: Emitter, i: Current): void {
  const { row, dst, src, imm } = i;
  const width = widthOf(row);
  const unsigned = row.operation === "div" || row.operation === "mod";
  if (isImmediate(row)) {
    if (unsigned && divideByConstant(e, width, machine(dst), imm, row.operation === "mod")) return;
    emitConstant(e, SCRATCH2, width === 32 ? BigInt.asUintN(32, BigInt(imm)) : BigInt(imm));
  } else e.emit(MOV[width], SCRATCH2, machine(src));
  if (unsigned) divide(e, i, width, false);
  else divideSigned(e, i, width);
}

/** The divisor is in the second scratch register and may be 0. */
function divide(e: Emitter, { row, dst }: Current, width: 32 | 64, signed: boolean): void {
  const register = machine(dst);
  const remainder = row.operation === "mod" || row.operation === "smod";
  const end = e.code.label();
  const zero = e.outOfLine(() => {
    if (!remainder) e.emit(XOR[32], register, register);
    else if (width === 32) e.emit(MOV[32], register, register);
    e.jump(end);
  });
  e.emit(TEST[width], SCRATCH2, SCRATCH2);
  e.jump(zero, "e");
  quotient(e, width, register, remainder, signed);
  e.code.bind(end);
}

/** The processor divides rdx:rax only, so both are saved where they are not the result. */
function quotient(e: Emitter, width: 32 | 64, register: number, remainder: boolean, signed: boolean): void {
  if (register !== RDX) e.emit(MOV[64], SCRATCH, RDX);
  if (register !== RAX) {
    e.emit(PUSH, RAX);
    e.emit(MOV[width], RAX, register);
  }
  if (signed) e.emit(CDQ[width]);
  else e.emit(XOR[32], RDX, RDX);
  e.emit((signed ? IDIV : DIV)[width], SCRATCH2);
  const result = remainder ? RDX : RAX;
  if (result !== register) e.emit(MOV[width], register, result);
  if (register !== RDX) e.emit(MOV[64], RDX, SCRATCH);
  if (register !== RAX) e.emit(POP, RAX);
}

/** By -1 the processor traps on the least number; here that is a negation, or the remainder 0. */
function divideSigned(e: Emitter, i: Current, width: 32 | 64): void {
  const register = machine(i.dst);
  // The object is reused; what is written later must not look at it.
  const remainder = i.row.operation === "smod";
  const end = e.code.label();
  const minusOne = e.outOfLine(() => {
    if (remainder) e.emit(XOR[32], register, register);
    else e.emit(NEG[width], register);
    e.jump(end);
  });
  e.emit(CMP8[width], SCRATCH2, -1);
  e.jump(minusOne, "e");
  divide(e, i, width, true);
  e.code.bind(end);
}

/** Division by a constant without dividing (Granlund and Montgomery, PLDI 1994). */
function divideByConstant(e: Emitter, width: 32 | 64, register: number, imm: number, remainder: boolean): boolean {
  const divisor = BigInt.asUintN(width, BigInt(imm));
  if (divisor === 0n) {
    if (!remainder) e.emit(XOR[32], register, register);
    else if (width === 32) e.emit(MOV[32], register, register);
    return true;
  }
  if ((divisor & (divisor - 1n)) === 0n) {
    divideByPower(e, width, register, divisor, remainder);
    return true;
  }
  // The remainder is taken off with a 32-bit signed multiplier.
  if (remainder && divisor >= 1n << 31n) return false;
  if (width === 32) divideBy32(e, register, divisor, remainder);
  else divideBy64(e, register, divisor, remainder);
  return true;
}

function divideByPower(e: Emitter, width: 32 | 64, register: number, divisor: bigint, remainder: boolean): void {
  const power = divisor.toString(2).length - 1;
  if (!remainder) {
    if (power > 0) e.emit(SHR[width], register, power);
    else if (width === 32) e.emit(MOV[32], register, register);
  } else if (power <= 31) e.emit(AND[32], register, Number(divisor - 1n));
  else {
    // 2^63, the one power above 2^31 that a sign-extended immediate gives.
    emitConstant(e, SCRATCH, divisor - 1n);
    e.emit(form("and r/m64, r64"), register, SCRATCH);
  }
}

/** The multiplier for a divisor: ceil(2^(bits + shift) / divisor), and whether it takes one bit more than a register. */
export function magic(divisor: bigint, bits: bigint): { multiplier: bigint; shift: number; wide: boolean } {
  for (let shift = 0n; ; shift++) {
    const power = 1n << (bits + shift);
    const multiplier = (power + divisor - 1n) / divisor;
    // Exact for every dividend below 2^bits where the error is at most 2^shift.
    if (multiplier * divisor - power > 1n << shift) continue;
    return { multiplier, shift: Number(shift), wide: multiplier >= 1n << bits };
  }
}

/** q = (n * m) >> (32 + s) in 64 bits; a multiplier of 33 bits by way of ((n - t) >> 1 + t) >> (s - 1). */
function divideBy32(e: Emitter, register: number, divisor: bigint, remainder: boolean): void {
  const { multiplier, shift, wide } = magic(divisor, 32n);
  e.emit(MOV[32], SCRATCH, register);
  emitConstant(e, SCRATCH2, BigInt.asUintN(32, multiplier));
  e.emit(IMUL[64], SCRATCH2, SCRATCH);
  if (!wide) e.emit(SHR[64], SCRATCH2, 32 + shift);
  else {
    e.emit(SHR[64], SCRATCH2, 32);
    e.emit(SUB[32], SCRATCH, SCRATCH2);
    e.emit(SHR1[32], SCRATCH);
    e.emit(ADD[32], SCRATCH2, SCRATCH);
    e.emit(SHR[32], SCRATCH2, shift - 1);
  }
  finishConstant(e, 32, register, divisor, remainder);
}

/** The same with the upper half of a 128-bit product, which the processor gives in rdx. */
function divideBy64(e: Emitter, register: number, divisor: bigint, remainder: boolean): void {
  const { multiplier, shift, wide } = magic(divisor, 64n);
  const low = BigInt.asUintN(64, multiplier);
  if (e.context.bmi2) upperHalfBmi2(e, register, low);
  else upperHalf(e, register, low);
  if (!wide) {
    if (shift > 0) e.emit(SHR[64], SCRATCH2, shift);
  } else {
    e.emit(MOV[64], SCRATCH, register);
    e.emit(SUB[64], SCRATCH, SCRATCH2);
    e.emit(SHR1[64], SCRATCH);
    e.emit(ADD[64], SCRATCH2, SCRATCH);
    e.emit(SHR[64], SCRATCH2, shift - 1);
  }
  finishConstant(e, 64, register, divisor, remainder);
}

/** The upper half of a register times a constant, into the second scratch register. */
function upperHalfBmi2(e: Emitter, register: number, multiplier: bigint): void {
  e.emit(MOV[64], SCRATCH, RDX);
  e.emit(MOV_IMM64, RDX, multiplier);
  e.emit(MULX, SCRATCH2, RDX, register === RDX ? SCRATCH : register);
  e.emit(MOV[64], RDX, SCRATCH);
}

/** Without BMI2 the product is in rdx:rax, which are saved. */
function upperHalf(e: Emitter, register: number, multiplier: bigint): void {
  e.emit(PUSH, RDX);
  e.emit(PUSH, RAX);
  e.emit(MOV[64], SCRATCH, register);
  e.emit(MOV_IMM64, RAX, multiplier);
  e.emit(MUL[64], SCRATCH);
  e.emit(MOV[64], SCRATCH2, RDX);
  e.emit(POP, RAX);
  e.emit(POP, RDX);
}

/** From the quotient in the second scratch register to the result; the dividend is still in place. */
function finishConstant(e: Emitter, width: 32 | 64, register: number, divisor: bigint, remainder: boolean): void {
  if (!remainder) {
    e.emit(MOV[width], register, SCRATCH2);
    return;
  }
  e.emit(IMUL_IMM[width], SCRATCH2, SCRATCH2, Number(divisor));
  e.emit(SUB[width], register, SCRATCH2);
}
