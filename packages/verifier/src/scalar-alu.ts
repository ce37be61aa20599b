import { borrowOf, carryOf, highOfNumber, isBelow, isLess, productHigh, unsignedNumber } from "./halves.js";
import { ADD, AND, ARSH, LSH, MUL, OR, RSH, SUB, XOR } from "./opcode.js";
import {
  type Draft,
  draft,
  forget32,
  forgetSigned64,
  forgetUnsigned64,
  isKnown,
  isKnown32,
  knownHalves,
  largest,
  largestUnsigned,
  low32,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  type Scalar,
  setSigned64,
  setTnum,
  setUnsigned64,
  smallest,
  U32_MAX,
  U64_MAX,
  UNKNOWN,
  ZERO,
} from "./scalar.js";
import { addBits, andBits, multiplyBits, orBits, subBits, xorBits } from "./scalar-bits.js";
import { shift } from "./scalar-shift.js";
import { intersectRange64, narrow32ByBits, narrow64ByBits, sync, zeroExtend32 } from "./scalar-sync.js";
import { tnumSwapBytes } from "./tnum.js";

const fitsS32 = (value: number): boolean => value >= S32_MIN && value <= S32_MAX;

function add32(d: Draft, s: Scalar): void {
  const smin = d.s32min + s.s32min;
  const smax = d.s32max + s.s32max;
  const fits = fitsS32(smin) && fitsS32(smax);
  d.s32min = fits ? smin : S32_MIN;
  d.s32max = fits ? smax : S32_MAX;
  const umin = d.u32min + s.u32min;
  const umax = d.u32max + s.u32max;
  // Where both ends wrap or neither does, the range stays a range.
  const exact = umin > U32_MAX || umax <= U32_MAX;
  d.u32min = exact ? umin : 0;
  d.u32max = exact ? umax : U32_MAX;
}

function sub32(d: Draft, s: Scalar): void {
  const smin = d.s32min - s.s32max;
  const smax = d.s32max - s.s32min;
  const fits = fitsS32(smin) && fitsS32(smax);
  d.s32min = fits ? smin : S32_MIN;
  d.s32max = fits ? smax : S32_MAX;
  const umin = d.u32min - s.u32max;
  const umax = d.u32max - s.u32min;
  const exact = umin >= 0 || umax < 0;
  d.u32min = exact ? umin : 0;
  d.u32max = exact ? umax : U32_MAX;
}

/** Ranges of a sum. */
export function add64(d: Draft, s: Scalar): void {
  const sminLow = (d.sminLow + s.sminLow) | 0;
  const sminHigh = (d.sminHigh + s.sminHigh + carryOf(d.sminLow, s.sminLow)) | 0;
  const smaxLow = (d.smaxLow + s.smaxLow) | 0;
  const smaxHigh = (d.smaxHigh + s.smaxHigh + carryOf(d.smaxLow, s.smaxLow)) | 0;
  const minOverflows = (d.sminHigh ^ sminHigh) & (s.sminHigh ^ sminHigh);
  const maxOverflows = (d.smaxHigh ^ smaxHigh) & (s.smaxHigh ^ smaxHigh);
  if ((minOverflows | maxOverflows) < 0) forgetSigned64(d);
  else setSigned64(d, sminHigh, sminLow, smaxHigh, smaxLow);
  const uminLow = (d.uminLow + s.uminLow) | 0;
  const uminHigh = (d.uminHigh + s.uminHigh + carryOf(d.uminLow, s.uminLow)) | 0;
  const umaxLow = (d.umaxLow + s.umaxLow) | 0;
  const umaxHigh = (d.umaxHigh + s.umaxHigh + carryOf(d.umaxLow, s.umaxLow)) | 0;
  const bothWrap = isBelow(uminHigh, uminLow, d.uminHigh, d.uminLow);
  if (bothWrap || !isBelow(umaxHigh, umaxLow, d.umaxHigh, d.umaxLow)) {
    setUnsigned64(d, uminHigh, uminLow, umaxHigh, umaxLow);
  } else forgetUnsigned64(d);
}

/** Ranges of a difference. */
export function sub64(d: Draft, s: Scalar): void {
  const sminLow = (d.sminLow - s.smaxLow) | 0;
  const sminHigh = (d.sminHigh - s.smaxHigh - borrowOf(d.sminLow, s.smaxLow)) | 0;
  const smaxLow = (d.smaxLow - s.sminLow) | 0;
  const smaxHigh = (d.smaxHigh - s.sminHigh - borrowOf(d.smaxLow, s.sminLow)) | 0;
  const minOverflows = (d.sminHigh ^ s.smaxHigh) & (d.sminHigh ^ sminHigh);
  const maxOverflows = (d.smaxHigh ^ s.sminHigh) & (d.smaxHigh ^ smaxHigh);
  if ((minOverflows | maxOverflows) < 0) forgetSigned64(d);
  else setSigned64(d, sminHigh, sminLow, smaxHigh, smaxLow);
  const noneWraps = !isBelow(d.uminHigh, d.uminLow, s.umaxHigh, s.umaxLow);
  if (noneWraps || isBelow(d.umaxHigh, d.umaxLow, s.uminHigh, s.uminLow)) {
    const uminLow = (d.uminLow - s.umaxLow) | 0;
    const uminHigh = (d.uminHigh - s.umaxHigh - borrowOf(d.uminLow, s.umaxLow)) | 0;
    const umaxLow = (d.umaxLow - s.uminLow) | 0;
    const umaxHigh = (d.umaxHigh - s.uminHigh - borrowOf(d.umaxLow, s.uminLow)) | 0;
    setUnsigned64(d, uminHigh, uminLow, umaxHigh, umaxLow);
  } else forgetUnsigned64(d);
}

function mul32(d: Draft, s: Scalar): void {
  const umax = d.u32max * s.u32max;
  d.u32min = umax > U32_MAX ? 0 : d.u32min * s.u32min;
  d.u32max = Math.min(umax, U32_MAX);
  const a = d.s32min * s.s32min;
  const b = d.s32min * s.s32max;
  const c = d.s32max * s.s32min;
  const e = d.s32max * s.s32max;
  const smin = Math.min(a, b, c, e);
  const smax = Math.max(a, b, c, e);
  const fits = smin >= S32_MIN && smax <= S32_MAX;
  d.s32min = fits ? smin | 0 : S32_MIN;
  d.s32max = fits ? smax | 0 : S32_MAX;
}

/** Products as ordinary numbers beyond this may be rounded; beyond the next they fit no 64-bit number, rounded or not. */
const EXACT = 2 ** 53;
const TOO_LARGE = 2 ** 65;

function mulUnsigned64(d: Draft, s: Scalar): void {
  const umax = largestUnsigned(d) * largestUnsigned(s);
  if (umax < EXACT) {
    const umin = unsignedNumber(d.uminHigh, d.uminLow) * unsignedNumber(s.uminHigh, s.uminLow);
    setUnsigned64(d, highOfNumber(umin), umin | 0, highOfNumber(umax), umax | 0);
  } else if (umax > TOO_LARGE || d.umax * s.umax > U64_MAX) forgetUnsigned64(d);
  else {
    d.umin *= s.umin;
    d.umax *= s.umax;
  }
}

function mulSigned64(d: Draft, s: Scalar): void {
  const a = smallest(d) * smallest(s);
  const b = smallest(d) * largest(s);
  const c = largest(d) * smallest(s);
  const e = largest(d) * largest(s);
  const smin = Math.min(a, b, c, e);
  const smax = Math.max(a, b, c, e);
  if (smin > -EXACT && smax < EXACT) setSigned64(d, highOfNumber(smin), smin | 0, highOfNumber(smax), smax | 0);
  else if (smin < -TOO_LARGE || smax > TOO_LARGE) forgetSigned64(d);
  else mulLargeSigned64(d, s);
}

function mulLargeSigned64(d: Draft, s: Scalar): void {
  const products = [d.smin * s.smin, d.smin * s.smax, d.smax * s.smin, d.smax * s.smax];
  products.sort((a, b) => (a < b ? -1 : 1));
  const [smin, smax] = [products[0]!, products[3]!];
  if (smin < S64_MIN || smax > S64_MAX) forgetSigned64(d);
  else {
    d.smin = smin;
    d.smax = smax;
  }
}

/** After a bitwise operation the unsigned ranges are set; the signed ones follow where they do not wrap. */
function signedFollowsUnsigned(d: Draft): void {
  const ordered32 = d.u32minBits <= d.u32maxBits;
  d.s32min = ordered32 ? d.u32minBits : S32_MIN;
  d.s32max = ordered32 ? d.u32maxBits : S32_MAX;
  if (isLess(d.umaxHigh, d.umaxLow, d.uminHigh, d.uminLow)) forgetSigned64(d);
  else setSigned64(d, d.uminHigh, d.uminLow, d.umaxHigh, d.umaxLow);
}

/** The ranges of a bitwise result: from its bits, and no more than the smaller, no less than the larger operand. */
function bitwise(d: Draft, s: Scalar, operation: number): void {
  const { u32minBits, u32maxBits, uminHigh, uminLow, umaxHigh, umaxLow } = d;
  if (operation === AND) andBits(d, s);
  else if (operation === OR) orBits(d, s);
  else xorBits(d, s);
  d.u32minBits = d.valueLow;
  d.u32maxBits = d.valueLow | d.maskLow;
  setUnsigned64(d, d.valueHigh, d.valueLow, d.valueHigh | d.maskHigh, d.valueLow | d.maskLow);
  if (operation === AND) {
    d.u32maxBits = u32maxBits >>> 0 < s.u32maxBits >>> 0 ? u32maxBits : s.u32maxBits;
    const isOwn = isBelow(umaxHigh, umaxLow, s.umaxHigh, s.umaxLow);
    d.umaxHigh = isOwn ? umaxHigh : s.umaxHigh;
    d.umaxLow = isOwn ? umaxLow : s.umaxLow;
  } else if (operation === OR) {
    d.u32minBits = u32minBits >>> 0 > s.u32minBits >>> 0 ? u32minBits : s.u32minBits;
    const isOwn = isBelow(s.uminHigh, s.uminLow, uminHigh, uminLow);
    d.uminHigh = isOwn ? uminHigh : s.uminHigh;
    d.uminLow = isOwn ? uminLow : s.uminLow;
  }
  if (isKnown32(d)) d.u32minBits = d.u32maxBits = d.valueLow;
  signedFollowsUnsigned(d);
  narrow32ByBits(d);
  narrow64ByBits(d);
}

const isShift = (operation: number): boolean => operation === LSH || operation === RSH || operation === ARSH;

/** Whether the verifier follows this operation at all; division, modulo and shifts by an unknown amount it does not. */
function isTracked(operation: number, source: Scalar, is32: boolean): boolean {
  if (!isShift(operation)) return operation <= MUL || operation === AND || operation === OR || operation === XOR;
  return (is32 ? isKnown32(source) : isKnown(source)) && largestUnsigned(source) < (is32 ? 32 : 64);
}

/** The two drafts a multiplication works in. */
function multiply(d: Draft, source: Scalar): void {
  multiplyBits(d, draft(source), draft(source));
  mul32(d, source);
  mulUnsigned64(d, source);
  mulSigned64(d, source);
}

function transfer(d: Draft, source: Scalar, operation: number, is32: boolean): void {
  switch (operation) {
    case ADD:
      add32(d, source);
      add64(d, source);
      addBits(d, source);
      break;
    case SUB:
      sub32(d, source);
      sub64(d, source);
      subBits(d, source);
      break;
    case MUL:
      multiply(d, source);
      break;
    case AND:
    case OR:
    case XOR:
      bitwise(d, source, operation);
      break;
    default:
      shift(d, low32(source), operation, is32);
  }
}

function computeShift(operation: number, a: Scalar, b: Scalar, is32: boolean): Scalar {
  const d = draft(a);
  shift(d, low32(b), operation, is32);
  return knownHalves(is32 ? 0 : d.valueHigh, d.valueLow);
}

const resultOf = (is32: boolean, high: number, low: number): Scalar => knownHalves(is32 ? 0 : high | 0, low | 0);

/** The result for two known numbers; of a 32-bit operation the high halves do not count, and the result's is 0. */
function compute(operation: number, a: Scalar, b: Scalar, is32: boolean): Scalar {
  const { valueHigh: aHigh, valueLow: aLow } = a;
  const { valueHigh: bHigh, valueLow: bLow } = b;
  switch (operation) {
    case ADD:
      return resultOf(is32, aHigh + bHigh + carryOf(aLow, bLow), aLow + bLow);
    case SUB:
      return resultOf(is32, aHigh - bHigh - borrowOf(aLow, bLow), aLow - bLow);
    case MUL: {
      const cross = Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh);
      return resultOf(is32, productHigh(aLow, bLow) + cross, Math.imul(aLow, bLow));
    }
    case AND:
      return resultOf(is32, aHigh & bHigh, aLow & bLow);
    case OR:
      return resultOf(is32, aHigh | bHigh, aLow | bLow);
    case XOR:
      return resultOf(is32, aHigh ^ bHigh, aLow ^ bLow);
    default:
      return computeShift(operation, a, b, is32);
  }
}

/**
 * What `destination <operation> source` leaves in the destination (Linux `adjust_scalar_min_max_vals`). A 32-bit operation
 * works on the low halves and clears the high one; what the verifier does not follow leaves nothing known.
 */
export function aluScalar(destination: Scalar, source: Scalar, operation: number, is32: boolean): Scalar {
  if (!isTracked(operation, source, is32)) return UNKNOWN;
  if (is32 ? isKnown32(destination) && isKnown32(source) : isKnown(destination) && isKnown(source)) {
    return compute(operation, destination, source, is32);
  }
  const d = draft(destination);
  transfer(d, source, operation, is32);
  if (is32) zeroExtend32(d);
  return sync(d);
}

/** What `-value` leaves. */
export function negateScalar(value: Scalar, is32: boolean): Scalar {
  return aluScalar(ZERO, value, SUB, is32);
}

/** Adds a constant that must not wrap ranges of a pointer's offset or a linked scalar: no 32-bit zero extension, no sync. */
export function addWithoutSync(value: Scalar, addend: Scalar): Draft {
  const d = draft(value);
  add32(d, addend);
  add64(d, addend);
  addBits(d, addend);
  return d;
}

/** The low 32 bits, zero-extended: what a 32-bit move leaves. */
export function truncate32(value: Scalar): Scalar {
  if (isKnown32(value)) return knownHalves(0, value.valueLow);
  const d = draft(value);
  zeroExtend32(d);
  return sync(d);
}

/** The low `size` bytes in reverse: only what is known of single bits survives. */
export function swapScalar(value: Scalar, size: number): Scalar {
  const d = draft(UNKNOWN);
  setTnum(d, tnumSwapBytes(value, size));
  return sync(d);
}

/** The low `size` bytes (1, 2 or 4), zero-extended: what a load of that size leaves of a known slot. */
export function truncate(value: Scalar, size: number): Scalar {
  if (value === UNKNOWN) return ZERO_EXTENDED[size]!;
  const kept = size === 4 ? -1 : (1 << (size * 8)) - 1;
  if ((value.maskLow & kept) === 0) return knownHalves(0, value.valueLow & kept);
  const d = draft(value);
  d.valueHigh = d.maskHigh = 0;
  d.valueLow &= kept;
  d.maskLow &= kept;
  const isOneBlock = d.uminHigh === d.umaxHigh && ((d.uminLow ^ d.umaxLow) & ~kept) === 0;
  setUnsigned64(d, 0, isOneBlock ? d.uminLow & kept : 0, 0, isOneBlock ? d.umaxLow & kept : kept);
  setSigned64(d, 0, d.uminLow, 0, d.umaxLow);
  if (size < 4) forget32(d);
  return sync(d);
}

function computeTruncated(size: number): Scalar {
  const kept = size === 4 ? -1 : (1 << (size * 8)) - 1;
  const d = draft(UNKNOWN);
  d.maskHigh = 0;
  d.maskLow = kept;
  setUnsigned64(d, 0, 0, 0, kept);
  setSigned64(d, 0, 0, 0, kept);
  return sync(d);
}

/** Unknown values of 1, 2 and 4 bytes: what most loads leave. */
const ZERO_EXTENDED: Readonly<Record<number, Scalar>> = {
  1: computeTruncated(1),
  2: computeTruncated(2),
  4: computeTruncated(4),
};

/** The low `size` bytes, sign-extended to 64 bits (or to 32 and then zero-extended). */
export function signExtend(value: Scalar, size: number, is32: boolean): Scalar {
  const bits = size * 8;
  if (isKnown(value)) {
    const extended = (value.valueLow << (32 - bits)) >> (32 - bits);
    return knownHalves(is32 ? 0 : extended >> 31, extended);
  }
  const d = draft(UNKNOWN);
  const [smin, smax] = is32 ? [value.s32min, value.s32max] : [value.sminLow, value.smaxLow];
  const min = (smin << (32 - bits)) >> (32 - bits);
  const max = (smax << (32 - bits)) >> (32 - bits);
  const isOneHigh = is32 || value.sminHigh === value.smaxHigh;
  const isOneBlock = isOneHigh && (bits === 32 || smin >> bits === smax >> bits);
  if (isOneBlock && min >= 0 === max >= 0 && min <= max) setSigned(d, min, max);
  else setSigned(d, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  if (is32) zeroExtend32(d);
  return sync(d);
}

/** Any value from `min` to `max`, signed 32-bit numbers. */
function setSigned(d: Draft, min: number, max: number): void {
  setSigned64(d, min >> 31, min, max >> 31, max);
  d.s32min = min;
  d.s32max = max;
  if (min >= 0 !== max >= 0) return;
  setUnsigned64(d, min >> 31, min, max >> 31, max);
  d.u32minBits = min;
  d.u32maxBits = max;
  intersectRange64(d);
}

/** A known scalar from the immediate of an instruction, sign-extended (or zero-extended from 32 bits). */
export function immediateScalar(imm: number, is32: boolean): Scalar {
  return knownHalves(is32 ? 0 : imm >> 31, imm);
}
