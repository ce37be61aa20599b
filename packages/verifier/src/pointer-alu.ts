import { aluSign } from "./format.js";
import { ADD, AND, OR, SUB, XOR } from "./opcode.js";
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
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
import { draft, forget32, S64_MAX, S64_MIN, type Scalar, setTnum, sync, U64_MAX } from "./scalar.js";
import { tnumAdd, tnumSub } from "./tnum.js";
import { MAX_OFFSET, reject, setReg, type Verification } from "./verification.js";

const LIMIT = BigInt(MAX_OFFSET);

/** Refuses an offset that is not bounded enough to be added, and a pointer that came to have one. */
function checkSaneOffset(v: Verification, r: Register, type: number): void {
  const { num } = r;
  const name = typeName(type);
  if (isFixed(r) && (num.smin >= LIMIT || num.smin <= -LIMIT)) {
    reject(v, "EINVAL", `math between ${name} pointer and ${num.smin} is not allowed`);
  }
  if (r.off >= MAX_OFFSET || r.off <= -MAX_OFFSET) {
    reject(v, "EINVAL", `${name} pointer offset ${r.off} is not allowed`);
  }
  if (num.smin === S64_MIN) {
    const what = "register with unbounded min value is not allowed";
    reject(v, "EINVAL", `math between ${name} pointer and ${what}`);
  }
  if (num.smin >= LIMIT || num.smin <= -LIMIT) {
    reject(v, "EINVAL", `value ${num.smin} makes ${name} pointer be out of bounds`);
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
  const name = typeName(pointer.type);
  if (mayBeNull(pointer.type)) {
    reject(v, "EACCES", `R${dst} pointer arithmetic on ${name} prohibited, null-check it first`);
  }
  const base = baseType(pointer.type);
  if (MOVABLE.has(base)) return;
  if (base === PTR_TO_FLOW_KEYS && isFixed(offset)) return;
  const addsNothing = isFixed(offset) && offset.num.value === 0n && operation === ADD;
  if ((base === PTR_TO_FLOW_KEYS || base === CONST_PTR_TO_MAP) && addsNothing) return;
  reject(v, "EACCES", `R${dst} pointer arithmetic on ${name} prohibited`);
}

const fitsS32 = (value: bigint): boolean => value === BigInt.asIntN(32, value);
const fitsS64 = (value: bigint): boolean => value === BigInt.asIntN(64, value);

function addVariable(pointer: Scalar, offset: Scalar): Scalar {
  const d = draft(pointer);
  forget32(d);
  const smin = pointer.smin + offset.smin;
  const smax = pointer.smax + offset.smax;
  const signedFits = fitsS64(smin) && fitsS64(smax);
  d.smin = signedFits ? smin : S64_MIN;
  d.smax = signedFits ? smax : S64_MAX;
  const umin = pointer.umin + offset.umin;
  const umax = pointer.umax + offset.umax;
  const unsignedFits = umin <= U64_MAX && umax <= U64_MAX;
  d.umin = unsignedFits ? umin : 0n;
  d.umax = unsignedFits ? umax : U64_MAX;
  setTnum(d, tnumAdd(pointer, offset));
  return sync(d);
}

function subVariable(pointer: Scalar, offset: Scalar): Scalar {
  const d = draft(pointer);
  forget32(d);
  const smin = pointer.smin - offset.smax;
  const smax = pointer.smax - offset.smin;
  const signedFits = fitsS64(smin) && fitsS64(smax);
  d.smin = signedFits ? smin : S64_MIN;
  d.smax = signedFits ? smax : S64_MAX;
  const wraps = pointer.umin < offset.umax;
  d.umin = wraps ? 0n : pointer.umin - offset.umax;
  d.umax = wraps ? U64_MAX : pointer.umax - offset.umin;
  setTnum(d, tnumSub(pointer, offset));
  return sync(d);
}

function moved(pointer: Register, off: number, num: Scalar, id: number, range: number): Register {
  return register(pointer.type, num, off, id, pointer.ref, range, pointer.map, pointer.struct, pointer.dynptr);
}

/** A constant goes into the fixed offset, where it stays exact. */
function moveByConstant(pointer: Register, delta: bigint): Register | undefined {
  const off = BigInt(pointer.off) + delta;
  if (!fitsS32(off)) return undefined;
  return moved(pointer, Number(off), withoutLow(pointer.num), pointer.id, pointer.aux);
}

/** The kernel drops a pointer's 32-bit ranges with every step and takes them anew from the others. */
function withoutLow(num: Scalar): Scalar {
  if (num.mask === 0n) return num;
  const d = draft(num);
  forget32(d);
  return sync(d);
}

function addOffset(v: Verification, pointer: Register, offset: Register): Register {
  const constant = isFixed(offset) ? moveByConstant(pointer, offset.num.smin) : undefined;
  if (constant !== undefined) return constant;
  const num = addVariable(pointer.num, offset.num);
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
  const constant = isFixed(offset) ? moveByConstant(pointer, -offset.num.smin) : undefined;
  if (constant !== undefined) return constant;
  const num = subVariable(pointer.num, offset.num);
  if (!isPacketPointer(pointer.type)) return moved(pointer, pointer.off, num, pointer.id, pointer.aux);
  return moved(pointer, pointer.off, num, ++v.nextId, offset.num.smin < 0n ? 0 : pointer.aux);
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
  if (num.smin > num.smax || num.umin > num.umax || (isFixed(offset) && num.umin !== num.umax)) {
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
