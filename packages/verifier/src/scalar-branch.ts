import { borrowOf, carryOf, isBelow, isLess } from "./halves.js";
import { JEQ, JGE, JGT, JLE, JLT, JNE, JSET, JSGE, JSGT, JSLE, JSLT } from "./opcode.js";
import {
  type Draft,
  draft,
  forget32,
  forget64,
  isKnown,
  isKnown32,
  type Scalar,
  setSigned64,
  setUnsigned64,
} from "./scalar.js";
import { sync } from "./scalar-sync.js";

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

/** Whether the known bits of both contradict each other; of the low halves, or of all. */
function differ(a: Scalar, b: Scalar, is32: boolean): boolean {
  const low = (a.valueLow ^ b.valueLow) & ~(a.maskLow | b.maskLow);
  if (is32) return low !== 0;
  return (low | ((a.valueHigh ^ b.valueHigh) & ~(a.maskHigh | b.maskHigh))) !== 0;
}

const isAllBelow = (a: Scalar, b: Scalar): boolean => isBelow(a.umaxHigh, a.umaxLow, b.uminHigh, b.uminLow);
const isAllLess = (a: Scalar, b: Scalar): boolean => isLess(a.smaxHigh, a.smaxLow, b.sminHigh, b.sminLow);

/** Whether no value is in both, by bits and every range. */
function disjoint(a: Scalar, b: Scalar, is32: boolean): boolean {
  if (differ(a, b, is32) || a.u32min > b.u32max || a.u32max < b.u32min) return true;
  if (a.s32min > b.s32max || a.s32max < b.s32min) return true;
  return !is32 && (isAllBelow(a, b) || isAllBelow(b, a) || isAllLess(a, b) || isAllLess(b, a));
}

function equalTaken(a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  if (isConstant(a, is32) && isConstant(b, is32)) {
    return a.valueLow === b.valueLow && (is32 || a.valueHigh === b.valueHigh);
  }
  return disjoint(a, b, is32) ? false : undefined;
}

function bitsTaken(a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  const [tested, bits] = isConstant(b, is32) ? [a, b] : [b, a];
  if (!isConstant(bits, is32)) return undefined;
  const high = is32 ? 0 : bits.valueHigh;
  if (((tested.valueLow & bits.valueLow) | (tested.valueHigh & high)) !== 0) return true;
  return ((tested.maskLow & bits.valueLow) | (tested.maskHigh & high)) === 0 ? false : undefined;
}

function decide(always: boolean, never: boolean): boolean | undefined {
  return always ? true : never ? false : undefined;
}

/** `a < b` (`never` exactly where `b <= a` always holds), unsigned. */
function belowTaken(a: Scalar, b: Scalar): boolean | undefined {
  return decide(isAllBelow(a, b), !isBelow(a.uminHigh, a.uminLow, b.umaxHigh, b.umaxLow));
}

/** The same, signed. */
function lessTaken(a: Scalar, b: Scalar): boolean | undefined {
  return decide(isAllLess(a, b), !isLess(a.sminHigh, a.sminLow, b.smaxHigh, b.smaxLow));
}

const opposite = (taken: boolean | undefined): boolean | undefined => (taken === undefined ? undefined : !taken);

function taken64(a: Scalar, b: Scalar, operation: number): boolean | undefined {
  switch (operation) {
    case JGT:
      return belowTaken(b, a);
    case JGE:
      return opposite(belowTaken(a, b));
    case JLT:
      return belowTaken(a, b);
    case JLE:
      return opposite(belowTaken(b, a));
    case JSGT:
      return lessTaken(b, a);
    case JSGE:
      return opposite(lessTaken(a, b));
    case JSLT:
      return lessTaken(a, b);
    default:
      return opposite(lessTaken(b, a));
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

/** Both become the smaller range that lies in both. */
function meetUnsigned(a: Draft, b: Draft): void {
  const isMin = isBelow(a.uminHigh, a.uminLow, b.uminHigh, b.uminLow);
  const [minHigh, minLow] = isMin ? [b.uminHigh, b.uminLow] : [a.uminHigh, a.uminLow];
  const isMax = isBelow(b.umaxHigh, b.umaxLow, a.umaxHigh, a.umaxLow);
  const [maxHigh, maxLow] = isMax ? [b.umaxHigh, b.umaxLow] : [a.umaxHigh, a.umaxLow];
  setUnsigned64(a, minHigh, minLow, maxHigh, maxLow);
  setUnsigned64(b, minHigh, minLow, maxHigh, maxLow);
}

function meetSigned(a: Draft, b: Draft): void {
  const isMin = isLess(a.sminHigh, a.sminLow, b.sminHigh, b.sminLow);
  const [minHigh, minLow] = isMin ? [b.sminHigh, b.sminLow] : [a.sminHigh, a.sminLow];
  const isMax = isLess(b.smaxHigh, b.smaxLow, a.smaxHigh, a.smaxLow);
  const [maxHigh, maxLow] = isMax ? [b.smaxHigh, b.smaxLow] : [a.smaxHigh, a.smaxLow];
  setSigned64(a, minHigh, minLow, maxHigh, maxLow);
  setSigned64(b, minHigh, minLow, maxHigh, maxLow);
}

function refineEqual(a: Draft, b: Draft, is32: boolean): void {
  a.maskLow = b.maskLow = a.maskLow & b.maskLow;
  a.valueLow = b.valueLow = (a.valueLow | b.valueLow) & ~a.maskLow;
  if (is32) {
    a.u32min = b.u32min = Math.max(a.u32min, b.u32min);
    a.u32max = b.u32max = Math.min(a.u32max, b.u32max);
    a.s32min = b.s32min = Math.max(a.s32min, b.s32min);
    a.s32max = b.s32max = Math.min(a.s32max, b.s32max);
    return;
  }
  a.maskHigh = b.maskHigh = a.maskHigh & b.maskHigh;
  a.valueHigh = b.valueHigh = (a.valueHigh | b.valueHigh) & ~a.maskHigh;
  meetUnsigned(a, b);
  meetSigned(a, b);
}

function refineUnequal32(a: Draft, constant: number): void {
  if (a.u32minBits === constant) a.u32minBits = (a.u32minBits + 1) | 0;
  if (a.u32maxBits === constant) a.u32maxBits = (a.u32maxBits - 1) | 0;
  if (a.s32min === constant) a.s32min = (a.s32min + 1) | 0;
  if (a.s32max === constant) a.s32max = (a.s32max - 1) | 0;
}

/** A value known not to be `constant` loses it at either end of its ranges. */
function refineUnequal(a: Draft, constant: Scalar, is32: boolean): void {
  const { valueHigh: high, valueLow: low } = constant;
  if (is32) {
    refineUnequal32(a, low);
    return;
  }
  const upHigh = (high + carryOf(low, 1)) | 0;
  const upLow = (low + 1) | 0;
  const downHigh = (high - borrowOf(low, 1)) | 0;
  const downLow = (low - 1) | 0;
  const isUmin = a.uminHigh === high && a.uminLow === low;
  const isUmax = a.umaxHigh === high && a.umaxLow === low;
  const isSmin = a.sminHigh === high && a.sminLow === low;
  const isSmax = a.smaxHigh === high && a.smaxLow === low;
  if (isUmin) setUnsigned64(a, upHigh, upLow, a.umaxHigh, a.umaxLow);
  if (isUmax) setUnsigned64(a, a.uminHigh, a.uminLow, downHigh, downLow);
  if (isSmin) setSigned64(a, upHigh, upLow, a.smaxHigh, a.smaxLow);
  if (isSmax) setSigned64(a, a.sminHigh, a.sminLow, downHigh, downLow);
}

/** All tested bits clear, or (with a single bit) set. */
function refineBits(a: Draft, constant: Scalar, operation: number, is32: boolean): void {
  const high = is32 ? 0 : constant.valueHigh;
  const low = constant.valueLow;
  if (operation === JSET) {
    const isSingle = high === 0 ? low !== 0 && (low & (low - 1)) === 0 : low === 0 && (high & (high - 1)) === 0;
    if (!isSingle) return;
    a.valueHigh |= high;
    a.valueLow |= low;
  } else {
    // The ranges are taken anew from the bits.
    forget64(a);
    forget32(a);
    a.valueHigh &= ~high;
    a.valueLow &= ~low;
  }
  a.maskHigh &= ~high;
  a.maskLow &= ~low;
}

/** `a < b`, or `a <= b` where nothing is between: no more than the other's most, no less than the other's least. */
function refineBelow(a: Draft, b: Draft, strict: number): void {
  const maxLow = (b.umaxLow - strict) | 0;
  const maxHigh = (b.umaxHigh - borrowOf(b.umaxLow, strict)) | 0;
  if (isBelow(maxHigh, maxLow, a.umaxHigh, a.umaxLow)) setUnsigned64(a, a.uminHigh, a.uminLow, maxHigh, maxLow);
  const minLow = (a.uminLow + strict) | 0;
  const minHigh = (a.uminHigh + carryOf(a.uminLow, strict)) | 0;
  if (isBelow(b.uminHigh, b.uminLow, minHigh, minLow)) setUnsigned64(b, minHigh, minLow, b.umaxHigh, b.umaxLow);
}

function refineSignedBelow(a: Draft, b: Draft, strict: number): void {
  const maxLow = (b.smaxLow - strict) | 0;
  const maxHigh = (b.smaxHigh - borrowOf(b.smaxLow, strict)) | 0;
  if (isLess(maxHigh, maxLow, a.smaxHigh, a.smaxLow)) setSigned64(a, a.sminHigh, a.sminLow, maxHigh, maxLow);
  const minLow = (a.sminLow + strict) | 0;
  const minHigh = (a.sminHigh + carryOf(a.sminLow, strict)) | 0;
  if (isLess(b.sminHigh, b.sminLow, minHigh, minLow)) setSigned64(b, minHigh, minLow, b.smaxHigh, b.smaxLow);
}

function refineLess(a: Draft, b: Draft, operation: number, is32: boolean): void {
  const strict = operation === JLT || operation === JSLT ? 1 : 0;
  if (operation === JLT || operation === JLE) {
    if (!is32) refineBelow(a, b, strict);
    else {
      a.u32max = Math.min(a.u32max, (b.u32max - strict) >>> 0);
      b.u32min = Math.max((a.u32min + strict) >>> 0, b.u32min);
    }
  } else if (!is32) refineSignedBelow(a, b, strict);
  else {
    a.s32max = Math.min(a.s32max, (b.s32max - strict) | 0);
    b.s32min = Math.max((a.s32min + strict) | 0, b.s32min);
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
