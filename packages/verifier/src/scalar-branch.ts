import { JEQ, JGE, JGT, JLE, JLT, JNE, JSET, JSGE, JSGT, JSLE, JSLT } from "./opcode.js";
import {
  type Draft,
  draft,
  forget32,
  forget64,
  isKnown,
  isKnown32,
  low32,
  type Scalar,
  setTnum,
  sync,
} from "./scalar.js";
import {
  tnumAnd,
  tnumConst,
  tnumIntersect,
  tnumOr,
  tnumOverlap,
  tnumSubregister,
  tnumWithSubregister,
} from "./tnum.js";

/** A condition that no opcode spells: the bits of JSET are all clear. */
export const JSET_FAILED: number = JSET | 8;

/** The condition that holds where `operation` does not. */
export function reverse(operation: number): number {
  switch (operation) {
    case JEQ:
      return JNE;
    case JNE:
      return JEQ;
    case JSET:
      return JSET_FAILED;
    case JGE:
      return JLT;
    case JGT:
      return JLE;
    case JLE:
      return JGT;
    case JLT:
      return JGE;
    case JSGE:
      return JSLT;
    case JSGT:
      return JSLE;
    case JSLE:
      return JSGT;
    default:
      return JSGE;
  }
}

/** The condition with its operands swapped. */
export function flip(operation: number): number {
  switch (operation) {
    case JGE:
      return JLE;
    case JGT:
      return JLT;
    case JLE:
      return JGE;
    case JLT:
      return JGT;
    case JSGE:
      return JSLE;
    case JSGT:
      return JSLT;
    case JSLE:
      return JSGE;
    case JSLT:
      return JSGT;
    default:
      return operation;
  }
}

const isConstant = (scalar: Scalar, is32: boolean): boolean => (is32 ? isKnown32(scalar) : isKnown(scalar));

/** Whether no value is in both, by bits and every range. */
function disjoint(a: Scalar, b: Scalar, is32: boolean): boolean {
  const disjoint32 = a.u32min > b.u32max || a.u32max < b.u32min || a.s32min > b.s32max || a.s32max < b.s32min;
  if (is32) return !tnumOverlap(tnumSubregister(a), tnumSubregister(b)) || disjoint32;
  return !tnumOverlap(a, b) || a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin || disjoint32;
}

function equalTaken(a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  if (isConstant(a, is32) && isConstant(b, is32)) return is32 ? low32(a) === low32(b) : a.value === b.value;
  return disjoint(a, b, is32) ? false : undefined;
}

function bitsTaken(a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  const [tested, bits] = isConstant(b, is32) ? [a, b] : [b, a];
  if (!isConstant(bits, is32)) return undefined;
  const wanted = is32 ? bits.value & 0xffff_ffffn : bits.value;
  if ((tested.value & wanted) !== 0n) return true;
  return ((tested.mask | tested.value) & wanted) === 0n ? false : undefined;
}

function decide(always: boolean, never: boolean): boolean | undefined {
  return always ? true : never ? false : undefined;
}

function taken64(a: Scalar, b: Scalar, operation: number): boolean | undefined {
  switch (operation) {
    case JGT:
      return decide(a.umin > b.umax, a.umax <= b.umin);
    case JGE:
      return decide(a.umin >= b.umax, a.umax < b.umin);
    case JLT:
      return decide(a.umax < b.umin, a.umin >= b.umax);
    case JLE:
      return decide(a.umax <= b.umin, a.umin > b.umax);
    case JSGT:
      return decide(a.smin > b.smax, a.smax <= b.smin);
    case JSGE:
      return decide(a.smin >= b.smax, a.smax < b.smin);
    case JSLT:
      return decide(a.smax < b.smin, a.smin >= b.smax);
    default:
      return decide(a.smax <= b.smin, a.smin > b.smax);
  }
}

function taken32(a: Scalar, b: Scalar, operation: number): boolean | undefined {
  switch (operation) {
    case JGT:
      return decide(a.u32min > b.u32max, a.u32max <= b.u32min);
    case JGE:
      return decide(a.u32min >= b.u32max, a.u32max < b.u32min);
    case JLT:
      return decide(a.u32max < b.u32min, a.u32min >= b.u32max);
    case JLE:
      return decide(a.u32max <= b.u32min, a.u32min > b.u32max);
    case JSGT:
      return decide(a.s32min > b.s32max, a.s32max <= b.s32min);
    case JSGE:
      return decide(a.s32min >= b.s32max, a.s32max < b.s32min);
    case JSLT:
      return decide(a.s32max < b.s32min, a.s32min >= b.s32max);
    default:
      return decide(a.s32max <= b.s32min, a.s32min > b.s32max);
  }
}

/** Whether a comparison of two scalars is always true, never, or (undefined) either. */
export function scalarBranchTaken(a: Scalar, b: Scalar, operation: number, is32: boolean): boolean | undefined {
  if (operation === JEQ) return equalTaken(a, b, is32);
  if (operation === JNE) {
    const equal = equalTaken(a, b, is32);
    return equal === undefined ? undefined : !equal;
  }
  if (operation === JSET) return bitsTaken(a, b, is32);
  return is32 ? taken32(a, b, operation) : taken64(a, b, operation);
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function refineEqual(a: Draft, b: Draft, is32: boolean): void {
  if (is32) {
    a.u32min = b.u32min = Math.max(a.u32min, b.u32min);
    a.u32max = b.u32max = Math.min(a.u32max, b.u32max);
    a.s32min = b.s32min = Math.max(a.s32min, b.s32min);
    a.s32max = b.s32max = Math.min(a.s32max, b.s32max);
    const low = tnumIntersect(tnumSubregister(a), tnumSubregister(b));
    setTnum(a, tnumWithSubregister(a, low));
    setTnum(b, tnumWithSubregister(b, low));
    return;
  }
  a.umin = b.umin = max(a.umin, b.umin);
  a.umax = b.umax = min(a.umax, b.umax);
  a.smin = b.smin = max(a.smin, b.smin);
  a.smax = b.smax = min(a.smax, b.smax);
  const bits = tnumIntersect(a, b);
  setTnum(a, bits);
  setTnum(b, bits);
}

/** A value known not to be `constant` loses it at either end of its ranges. */
function refineUnequal(a: Draft, constant: Scalar, is32: boolean): void {
  if (is32) {
    const unsigned = low32(constant);
    const signed = unsigned | 0;
    if (a.u32min === unsigned) a.u32min = (a.u32min + 1) >>> 0;
    if (a.u32max === unsigned) a.u32max = (a.u32max - 1) >>> 0;
    if (a.s32min === signed) a.s32min = (a.s32min + 1) | 0;
    if (a.s32max === signed) a.s32max = (a.s32max - 1) | 0;
    return;
  }
  const unsigned = constant.value;
  const signed = BigInt.asIntN(64, unsigned);
  if (a.umin === unsigned) a.umin = BigInt.asUintN(64, a.umin + 1n);
  if (a.umax === unsigned) a.umax = BigInt.asUintN(64, a.umax - 1n);
  if (a.smin === signed) a.smin = BigInt.asIntN(64, a.smin + 1n);
  if (a.smax === signed) a.smax = BigInt.asIntN(64, a.smax - 1n);
}

/** All tested bits clear, or (with a single bit) set. */
function refineBits(a: Draft, constant: Scalar, operation: number, is32: boolean): void {
  const bits = is32 ? constant.value & 0xffff_ffffn : constant.value;
  if (operation === JSET) {
    const single = bits !== 0n && (bits & (bits - 1n)) === 0n;
    if (!single) return;
    if (is32) setTnum(a, tnumWithSubregister(a, tnumOr(tnumSubregister(a), tnumConst(bits))));
    else setTnum(a, tnumOr(a, tnumConst(bits)));
    return;
  }
  // The ranges are taken anew from the bits.
  forget64(a);
  forget32(a);
  if (is32) setTnum(a, tnumWithSubregister(a, tnumAnd(tnumSubregister(a), tnumConst(~bits))));
  else setTnum(a, tnumAnd(a, tnumConst(~bits)));
}

const u32 = (value: number): number => value >>> 0;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);

function refineLess(a: Draft, b: Draft, operation: number, is32: boolean): void {
  const strict = operation === JLT || operation === JSLT ? 1 : 0;
  const step = BigInt(strict);
  if (operation === JLT || operation === JLE) {
    if (is32) {
      a.u32max = Math.min(a.u32max, u32(b.u32max - strict));
      b.u32min = Math.max(u32(a.u32min + strict), b.u32min);
    } else {
      a.umax = min(a.umax, u64(b.umax - step));
      b.umin = max(u64(a.umin + step), b.umin);
    }
  } else if (is32) {
    a.s32max = Math.min(a.s32max, (b.s32max - strict) | 0);
    b.s32min = Math.max((a.s32min + strict) | 0, b.s32min);
  } else {
    a.smax = min(a.smax, s64(b.smax - step));
    b.smin = max(s64(a.smin + step), b.smin);
  }
}

function refineDrafts(a: Draft, b: Draft, operation: number, is32: boolean): void {
  switch (operation) {
    case JEQ:
      refineEqual(a, b, is32);
      break;
    case JNE:
      if (isConstant(b, is32)) refineUnequal(a, b, is32);
      else if (isConstant(a, is32)) refineUnequal(b, a, is32);
      break;
    case JSET:
    case JSET_FAILED:
      if (isConstant(b, is32)) refineBits(a, b, operation, is32);
      else if (isConstant(a, is32)) refineBits(b, a, operation, is32);
      break;
    case JGE:
    case JGT:
    case JSGE:
    case JSGT:
      refineLess(b, a, flip(operation), is32);
      break;
    default:
      refineLess(a, b, operation, is32);
  }
}

/** What is known of a register compared with itself where the condition holds. */
export function refineSelf(value: Scalar, operation: number, is32: boolean): Scalar {
  const refined = draft(value);
  refineDrafts(refined, refined, operation, is32);
  return sync(refined);
}

/** What is known of both operands where the condition holds (Linux `regs_refine_cond_op`). */
export function refine(a: Scalar, b: Scalar, operation: number, is32: boolean): [a: Scalar, b: Scalar] {
  const refinedA = draft(a);
  const refinedB = draft(b);
  refineDrafts(refinedA, refinedB, operation, is32);
  return [sync(refinedA), sync(refinedB)];
}
