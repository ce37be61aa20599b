import { aluSign } from "./format.js";
import { ADD, AND, ARSH, CLASS_ALU, DIV, END, LSH, MOD, MOV, NEG, OR, RSH, SOURCE_REGISTER, SUB } from "./opcode.js";
import { pushPath } from "./paths.js";
import { pointerAlu } from "./pointer-alu.js";
import { markPrecise } from "./precision.js";
import {
  ADD_CONST,
  ADD_CONST32,
  ADD_CONST64,
  NOT_INIT,
  type Register,
  register,
  SCALAR,
  scalarRegister,
  UNKNOWN_SCALAR,
  unlinked,
  withNum,
} from "./register.js";
import {
  draft,
  isKnown,
  isKnown32,
  known,
  largest,
  largestUnsigned,
  S32_MAX,
  S32_MIN,
  type Scalar,
  sane,
  smallest,
  width,
} from "./scalar.js";
import {
  aluScalar,
  immediateScalar,
  negateScalar,
  signExtend,
  swapScalar,
  truncate,
  truncate32,
} from "./scalar-alu.js";
import { currentFrame } from "./state.js";
import { IMMEDIATES, linkBeforeCopy, reg, reject, setReg, since, type Verification } from "./verification.js";

/** Refuses a register that does not exist or holds nothing yet. */
export function checkRead(v: Verification, number: number): void {
  if (number > 10) reject(v, "EINVAL", `R${number} is invalid`);
  if (reg(v, number).type === NOT_INIT) reject(v, "EACCES", `R${number} !read_ok`);
  v.scratchedRegisters |= 1 << number;
}

/** Refuses to write a register that does not exist, or the frame pointer. */
export function checkWrite(v: Verification, number: number): void {
  if (number > 10) reject(v, "EINVAL", `R${number} is invalid`);
  if (number === 10) reject(v, "EACCES", "frame pointer is read only");
}

/** What the immediate at the current slot is as a register; the last ones are kept, for most come again soon. */
export function immediateAt(v: Verification, is32: boolean): Register {
  const imm = v.code.imm[v.slot]!;
  const at = imm & (IMMEDIATES - 1);
  const kept = v.immediates[at]!;
  if (kept.num.valueLow === imm && kept.num.valueHigh === (is32 ? 0 : imm >> 31)) return kept;
  const made = register(SCALAR, immediateScalar(imm, is32));
  v.immediates[at] = made;
  return made;
}

function checkUnaryFields(v: Verification, operation: number, is64: boolean, fromRegister: boolean): void {
  const { src, off, imm } = v.code;
  const { slot } = v;
  if (operation === NEG) {
    if (!fromRegister && src[slot] === 0 && off[slot] === 0 && imm[slot] === 0) return;
    reject(v, "EINVAL", "BPF_NEG uses reserved fields");
  }
  const isWidth = imm[slot] === 16 || imm[slot] === 32 || imm[slot] === 64;
  if (src[slot] !== 0 || off[slot] !== 0 || !isWidth || (is64 && fromRegister)) {
    reject(v, "EINVAL", "BPF_END uses reserved fields");
  }
}

function unary(v: Verification, opcode: number): void {
  const operation = opcode & 0xf0;
  const is32 = (opcode & 7) === CLASS_ALU;
  const dst = v.code.dst[v.slot]!;
  checkUnaryFields(v, operation, !is32, (opcode & SOURCE_REGISTER) !== 0);
  checkRead(v, dst);
  checkWrite(v, dst);
  const value = reg(v, dst);
  if (value.type !== SCALAR) setReg(v, dst, UNKNOWN_SCALAR);
  else if (operation === NEG) setReg(v, dst, scalarRegister(sane(negateScalar(value.num, is32))));
  else setReg(v, dst, since(v, 618) ? endian(v, opcode, value.num) : UNKNOWN_SCALAR);
}

/** `le` cuts and `be` and `bswap` turn bytes around; Linux followed neither before 6.18. */
function endian(v: Verification, opcode: number, value: Scalar): Register {
  const size = v.code.imm[v.slot]! / 8;
  const swaps = (opcode & 7) !== CLASS_ALU || (opcode & SOURCE_REGISTER) !== 0;
  if (swaps) return scalarRegister(sane(swapScalar(value, size)));
  return scalarRegister(size === 8 ? value : sane(truncate(value, size)));
}

function checkMoveFields(v: Verification, is32: boolean, fromRegister: boolean): void {
  const off = v.code.off[v.slot]!;
  if (fromRegister) {
    if (!is32 && off === 1) {
      reject(v, "EINVAL", "addr_space_cast insn can only be used in a program that has an associated arena");
    }
    const isWidth = off === 0 || off === 8 || off === 16 || (off === 32 && !is32);
    if (isWidth && v.code.imm[v.slot] === 0) return;
  } else if (v.code.src[v.slot] === 0 && off === 0) return;
  reject(v, "EINVAL", "BPF_MOV uses reserved fields");
}

/** A copy that keeps the link between source and copy only where it keeps the number. */
function linkedCopy(v: Verification, src: number, keepsNumber: boolean): Register {
  if (!keepsNumber) return unlinked(reg(v, src));
  const linked = linkBeforeCopy(v, reg(v, src));
  currentFrame(v.state).regs[src] = linked;
  return linked;
}

function moveRegister(v: Verification, src: number, is32: boolean): Register {
  const off = v.code.off[v.slot]!;
  const value = reg(v, src);
  if (off === 0 && !is32) return linkedCopy(v, src, true);
  if (value.type !== SCALAR) return is32 ? scalarRegister(truncate32(UNKNOWN_SCALAR.num)) : UNKNOWN_SCALAR;
  if (off === 0) {
    const copy = linkedCopy(v, src, width(value.num) <= 32);
    return withNum(copy, truncate32(copy.num));
  }
  const copy = linkedCopy(v, src, largestUnsigned(value.num) < 2 ** (off - 1));
  return withNum(copy, signExtend(copy.num, off >> 3, is32));
}

function move(v: Verification, opcode: number): void {
  const is32 = (opcode & 7) === CLASS_ALU;
  const fromRegister = (opcode & SOURCE_REGISTER) !== 0;
  const dst = v.code.dst[v.slot]!;
  const src = v.code.src[v.slot]!;
  checkMoveFields(v, is32, fromRegister);
  if (fromRegister) checkRead(v, src);
  checkWrite(v, dst);
  setReg(v, dst, fromRegister ? moveRegister(v, src, is32) : immediateAt(v, is32));
}

const isShift = (operation: number): boolean => operation === LSH || operation === RSH || operation === ARSH;

function checkBinaryFields(v: Verification, operation: number, is32: boolean, fromRegister: boolean): void {
  const { slot } = v;
  const off = v.code.off[slot]!;
  const imm = v.code.imm[slot]!;
  const isDivision = operation === MOD || operation === DIV;
  const reserved = fromRegister ? imm !== 0 : v.code.src[slot] !== 0;
  if (reserved || (off !== 0 && off !== 1) || (off === 1 && !isDivision)) {
    reject(v, "EINVAL", "BPF_ALU uses reserved fields");
  }
  if (fromRegister) checkRead(v, v.code.src[slot]!);
  checkRead(v, v.code.dst[slot]!);
  if (fromRegister) return;
  if (isDivision && imm === 0) reject(v, "EINVAL", "div by zero");
  if (isShift(operation) && (imm < 0 || imm >= (is32 ? 32 : 64))) reject(v, "EINVAL", `invalid shift ${imm}`);
}

/**
 * A number that is all ones or all zeros, masked with a constant, is walked as two numbers: compilers select between values
 * that way.
 */
function forkMask(v: Verification, dst: number, value: Register, operation: number): Register {
  if (operation !== AND && operation !== OR) return value;
  const { num } = value;
  const fork64 = smallest(num) === -1 && largest(num) === 0;
  const fork32 = num.s32min === -1 && num.s32max === 0;
  if (!fork64 && !fork32) return value;
  const other = pushPath(v, v.slot, v.slot);
  currentFrame(other).regs[dst] = register(SCALAR, fork64 ? known(0n) : withLow(num, 0));
  return register(SCALAR, fork64 ? known(-1n) : withLow(num, -1));
}

/** A number whose low half is known; of the high one it says what it said. */
function withLow(num: Scalar, low: number): Scalar {
  const d = draft(num);
  d.valueLow = d.s32min = d.s32max = d.u32minBits = d.u32maxBits = low;
  d.maskLow = 0;
  return d;
}

/** The constant an instruction adds to its destination, as a link remembers it; undefined where there is none. */
function addedConstant(
  v: Verification,
  before: Scalar,
  source: Scalar,
  operation: number,
  is32: boolean,
): number | undefined {
  // From 6.18 on links also follow subtractions, negative constants, and 32-bit sums of what has no high half.
  const isModern = since(v, 618);
  const isSum = operation === ADD || (operation === SUB && isModern);
  if (!isSum || !(is32 ? isModern && isKnown32(source) && before.umaxHigh === 0 : isKnown(source))) return undefined;
  const constant = is32 ? source.valueLow : smallest(source);
  if (constant > S32_MAX || constant < (isModern ? S32_MIN : 0)) return undefined;
  if (operation === ADD) return constant;
  return constant === S32_MIN ? undefined : -constant;
}

/** Adding a constant to a linked number keeps the link, with the constant; anything else ends it. */
function linkedSum(before: Register, num: Scalar, constant: number | undefined, is32: boolean): Register {
  if (constant === undefined || before.id === 0 || (before.id & ADD_CONST) !== 0) return scalarRegister(num);
  return register(SCALAR, num, constant, before.id | (is32 ? ADD_CONST32 : ADD_CONST64));
}

function binaryScalar(v: Verification, opcode: number, source: Register): void {
  const operation = opcode & 0xf0;
  const is32 = (opcode & 7) === CLASS_ALU;
  const dst = v.code.dst[v.slot]!;
  let value = reg(v, dst);
  if (isKnown(source.num)) value = forkMask(v, dst, value, operation);
  const num = sane(aluScalar(value.num, source.num, operation, is32));
  const isSelf = (opcode & SOURCE_REGISTER) !== 0 && v.code.src[v.slot] === dst;
  const constant = isSelf ? undefined : addedConstant(v, value.num, source.num, operation, is32);
  setReg(v, dst, linkedSum(value, num, constant, is32));
}

function binary(v: Verification, opcode: number): void {
  const operation = opcode & 0xf0;
  const is32 = (opcode & 7) === CLASS_ALU;
  const fromRegister = (opcode & SOURCE_REGISTER) !== 0;
  const dst = v.code.dst[v.slot]!;
  const src = v.code.src[v.slot]!;
  checkBinaryFields(v, operation, is32, fromRegister);
  checkWrite(v, dst);
  const left = reg(v, dst);
  const right = fromRegister ? reg(v, src) : immediateAt(v, false);
  if (left.type === SCALAR && right.type === SCALAR) {
    binaryScalar(v, opcode, right);
    return;
  }
  if (left.type !== SCALAR && right.type !== SCALAR) {
    // The difference of two pointers is a number; anything else between them is nothing.
    if (operation === SUB) {
      setReg(v, dst, UNKNOWN_SCALAR);
      return;
    }
    reject(v, "EACCES", `R${dst} pointer ${aluSign(operation)} pointer prohibited`);
  }
  if (left.type === SCALAR) {
    markPrecise(v, dst);
    pointerAlu(v, dst, right, left, operation, is32, false);
    return;
  }
  if (fromRegister) markPrecise(v, src);
  pointerAlu(v, dst, left, right, operation, is32, true);
}

/** An instruction of class ALU or ALU64 (Linux `check_alu_op`). */
export function checkAlu(v: Verification, opcode: number): void {
  const operation = opcode & 0xf0;
  if (operation === END || operation === NEG) unary(v, opcode);
  else if (operation === MOV) move(v, opcode);
  else binary(v, opcode);
  v.slot++;
}
