import { aluSign } from "./format.js";
import { isBelow } from "./halves.js";
import { ADD, AND, OR, SUB, XOR } from "./opcode.js";
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  fixedOffset,
  isFixed,
  isPacketPointer,
  mayBeNull,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TO_TP_BUFFER,
  type Register,
  register,
  typeName,
  UNKNOWN_SCALAR,
} from "./register.js";
import {
  draft,
  forget32,
  forgetUnsigned64,
  hasRanges64,
  isKnown,
  isZero,
  S32_MIN,
  type Scalar,
  smallest,
} from "./scalar.js";
import { add64, sub64 } from "./scalar-alu.js";
import { addBits, subBits } from "./scalar-bits.js";
import { sync } from "./scalar-sync.js";
import { MAX_OFFSET, reject, setReg, type Verification } from "./verification.js";

const isOutside = (num: Scalar): boolean => smallest(num) >= MAX_OFFSET || smallest(num) <= -MAX_OFFSET;

/** Refuses an offset that is not bounded enough to be added, and a pointer that came to have one. */
function checkSaneOffset(v: Verification, r: Register, type: number): void {
  const { num } = r;
  if (isFixed(r) && isOutside(num)) {
    reject(v, "EINVAL", `math between ${typeName(type)} pointer and ${num.smin} is not allowed`);
  }
  if (r.off >= MAX_OFFSET || r.off <= -MAX_OFFSET) {
    reject(v, "EINVAL", `${typeName(type)} pointer offset ${r.off} is not allowed`);
  }
  if (num.sminHigh === S32_MIN && num.sminLow === 0) {
    const what = "register with unbounded min value is not allowed";
    reject(v, "EINVAL", `math between ${typeName(type)} pointer and ${what}`);
  }
  if (isOutside(num)) {
    reject(v, "EINVAL", `value ${num.smin} makes ${typeName(type)} pointer be out of bounds`);
  }
}

const MOVABLE: ReadonlySet<number> = new Set([
  PTR_TO_CTX,
  PTR_TO_MAP_VALUE,
  PTR_TO_MAP_KEY,
  PTR_TO_STACK,
  PTR_TO_PACKET_META,
  PTR_TO_PACKET,
  PTR_TO_TP_BUFFER,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TO_BUF,
  PTR_TO_FUNC,
  CONST_PTR_TO_DYNPTR,
]);

function checkMovable(v: Verification, dst: number, pointer: Register, offset: Register, operation: number): void {
  if (mayBeNull(pointer.type)) {
    reject(v, "EACCES", `R${dst} pointer arithmetic on ${typeName(pointer.type)} prohibited, null-check it first`);
  }
  const base = baseType(pointer.type);
  if (MOVABLE.has(base)) return;
  if (base === PTR_TO_FLOW_KEYS && isFixed(offset)) return;
  const addsNothing = isZero(offset.num) && operation === ADD;
  if ((base === PTR_TO_FLOW_KEYS || base === CONST_PTR_TO_MAP) && addsNothing) return;
  reject(v, "EACCES", `R${dst} pointer arithmetic on ${typeName(pointer.type)} prohibited`);
}

/** The variable part of a pointer's offset once a number was added (or subtracted); 32-bit ranges and what wraps are lost. */
function moveVariable(pointer: Scalar, offset: Scalar, isSum: boolean): Scalar {
  const d = draft(pointer);
  forget32(d);
  if (isSum) {
    add64(d, offset);
    if (isBelow(d.uminHigh, d.uminLow, pointer.uminHigh, pointer.uminLow)) forgetUnsigned64(d);
    addBits(d, offset);
  } else {
    sub64(d, offset);
    if (isBelow(pointer.uminHigh, pointer.uminLow, offset.umaxHigh, offset.umaxLow)) forgetUnsigned64(d);
    subBits(d, offset);
  }
  return sync(d);
}

function moved(pointer: Register, off: number, num: Scalar, id: number, range: number): Register {
  return register(pointer.type, num, off, id, pointer.ref, range, pointer.map, pointer.struct, pointer.dynptr);
}

/** A constant goes into the fixed offset, where it stays exact. */
function moveByConstant(pointer: Register, delta: number): Register | undefined {
  const off = pointer.off + delta;
  if (off !== (off | 0)) return undefined;
  return moved(pointer, off, withoutLow(pointer.num), pointer.id, pointer.aux);
}

/** The kernel drops a pointer's 32-bit ranges with every step and takes them anew from the others. */
function withoutLow(num: Scalar): Scalar {
  if (isKnown(num)) return num;
  const d = draft(num);
  forget32(d);
  return sync(d);
}

function addOffset(v: Verification, pointer: Register, offset: Register): Register {
  const constant = isFixed(offset) ? moveByConstant(pointer, fixedOffset(offset)) : undefined;
  if (constant !== undefined) return constant;
  const num = moveVariable(pointer.num, offset.num, true);
  // A variable offset into a packet makes a new pointer, whose range is known again only after a comparison.
  if (isPacketPointer(pointer.type)) return moved(pointer, pointer.off, num, ++v.nextId, 0);
  return moved(pointer, pointer.off, num, pointer.id, pointer.aux);
}

function subOffset(
  v: Verification,
  dst: number,
  pointer: Register,
  offset: Register,
  isPointerLeft: boolean,
): Register {
  if (!isPointerLeft) reject(v, "EACCES", `R${dst} tried to subtract pointer from scalar`);
  if (pointer.type === PTR_TO_STACK) reject(v, "EACCES", `R${dst} subtraction from stack pointer prohibited`);
  const constant = isFixed(offset) ? moveByConstant(pointer, -fixedOffset(offset)) : undefined;
  if (constant !== undefined) return constant;
  const num = moveVariable(pointer.num, offset.num, false);
  if (!isPacketPointer(pointer.type)) return moved(pointer, pointer.off, num, pointer.id, pointer.aux);
  return moved(pointer, pointer.off, num, ++v.nextId, smallest(offset.num) < 0 ? 0 : pointer.aux);
}

/**
 * Arithmetic with one pointer (Linux `adjust_ptr_min_max_vals`): only bounded numbers may be added or subtracted, in 64
 * bits. Which pointers may be moved at all depends on their kind.
 */
export function pointerAlu(
  v: Verification,
  dst: number,
  pointer: Register,
  offset: Register,
  operation: number,
  is32: boolean,
  isPointerLeft: boolean,
): void {
  const { num } = offset;
  if (!hasRanges64(num) || (isFixed(offset) && (num.uminHigh !== num.umaxHigh || num.uminLow !== num.umaxLow))) {
    setReg(v, dst, UNKNOWN_SCALAR);
    return;
  }
  if (is32) {
    if (operation === SUB) {
      setReg(v, dst, UNKNOWN_SCALAR);
      return;
    }
    reject(v, "EACCES", `R${dst} 32-bit pointer arithmetic prohibited`);
  }
  checkMovable(v, dst, pointer, offset, operation);
  checkSaneOffset(v, offset, pointer.type);
  checkSaneOffset(v, pointer, pointer.type);
  if (operation !== ADD && operation !== SUB) {
    const isBitwise = operation === AND || operation === OR || operation === XOR;
    const sign = aluSign(operation);
    if (isBitwise) reject(v, "EACCES", `R${dst} bitwise operator ${sign} on pointer prohibited`);
    reject(v, "EACCES", `R${dst} pointer arithmetic with ${sign} operator prohibited`);
  }
  const result = operation === ADD ? addOffset(v, pointer, offset) : subOffset(v, dst, pointer, offset, isPointerLeft);
  checkSaneOffset(v, result, pointer.type);
  setReg(v, dst, result);
}
