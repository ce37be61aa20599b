import { isBelow, isLess } from "./halves.js";
import {
  type Draft,
  draft,
  isKnown,
  isUnknown,
  known,
  knownHalves,
  S32_MAX,
  S32_MIN,
  type Scalar,
  UNKNOWN,
} from "./scalar.js";

/*
 * Bits and ranges of a scalar tell each other what they know (the kernel's `reg_bounds_sync` and what it calls), in its
 * order and as often, for the result decides what is pruned.
 */

function raiseUmin(d: Draft, high: number, low: number): void {
  if (!isBelow(d.uminHigh, d.uminLow, high, low)) return;
  d.uminHigh = high;
  d.uminLow = low;
}

function lowerUmax(d: Draft, high: number, low: number): void {
  if (!isBelow(high, low, d.umaxHigh, d.umaxLow)) return;
  d.umaxHigh = high;
  d.umaxLow = low;
}

function raiseSmin(d: Draft, high: number, low: number): void {
  if (!isLess(d.sminHigh, d.sminLow, high, low)) return;
  d.sminHigh = high;
  d.sminLow = low;
}

function lowerSmax(d: Draft, high: number, low: number): void {
  if (!isLess(high, low, d.smaxHigh, d.smaxLow)) return;
  d.smaxHigh = high;
  d.smaxLow = low;
}

function raiseU32min(d: Draft, low: number): void {
  if (d.u32minBits >>> 0 < low >>> 0) d.u32minBits = low;
}

function lowerU32max(d: Draft, low: number): void {
  if (d.u32maxBits >>> 0 > low >>> 0) d.u32maxBits = low;
}

function raiseS32min(d: Draft, low: number): void {
  if (d.s32min < low) d.s32min = low;
}

function lowerS32max(d: Draft, low: number): void {
  if (d.s32max > low) d.s32max = low;
}

/** Narrows the 32-bit ranges to what the known bits allow. */
export function narrow32ByBits(d: Draft): void {
  const { valueLow, maskLow } = d;
  raiseS32min(d, valueLow | (maskLow & S32_MIN));
  lowerS32max(d, valueLow | (maskLow & S32_MAX));
  raiseU32min(d, valueLow);
  lowerU32max(d, valueLow | maskLow);
}

/** Narrows the 64-bit ranges to what the known bits allow. */
export function narrow64ByBits(d: Draft): void {
  const { valueHigh, valueLow, maskHigh, maskLow } = d;
  raiseSmin(d, valueHigh | (maskHigh & S32_MIN), valueLow);
  lowerSmax(d, valueHigh | (maskHigh & S32_MAX), valueLow | maskLow);
  raiseUmin(d, valueHigh, valueLow);
  lowerUmax(d, valueHigh | maskHigh, valueLow | maskLow);
  // Where the unknown bits are the lowest, all numbers between their ends are possible.
  const isRun = maskLow === -1 ? (maskHigh & (maskHigh + 1)) === 0 : maskHigh === 0 && (maskLow & (maskLow + 1)) === 0;
  if (!isRun) settleSingle(d);
}

/** Whether both ends of the unsigned range have the known bits and differ: the usual case, told without big integers. */
function hasTwoEnds(d: Draft): boolean {
  const { valueHigh, valueLow, maskHigh, maskLow } = d;
  return (
    (d.uminLow & ~maskLow) === valueLow &&
    (d.umaxLow & ~maskLow) === valueLow &&
    (d.uminHigh & ~maskHigh) === valueHigh &&
    (d.umaxHigh & ~maskHigh) === valueHigh &&
    isBelow(d.uminHigh, d.uminLow, d.umaxHigh, d.umaxLow)
  );
}

/** Where bits and unsigned range leave one number only, that is it (6.18). */
function settleSingle(d: Draft): void {
  if (hasTwoEnds(d)) return;
  const { umin, umax, value, mask } = d;
  const hasUmin = (umin & ~mask) === value;
  const first = hasUmin ? umin : nextByBits(value, mask, umin);
  const isLast = first === (value | mask);
  // None is left where two paths contradict each other.
  if (!isLast && (nextByBits(value, mask, first) <= umax || (!hasUmin && first > umax))) return;
  Object.assign(d, known(first));
}

/** The smallest number above another that has the known bits; the largest that has them, where there is none (Linux `tnum_step`). */
function nextByBits(value: bigint, mask: bigint, above: bigint): bigint {
  const most = value | mask;
  if (above >= most) return most;
  if (above < value) return value;
  const distance = above - value;
  const highest = (distance & ~mask).toString(2).length;
  const carry = (distance & ~mask) === 0n ? 0n : (1n << BigInt(highest)) - 1n;
  const filled = distance | carry | BigInt.asUintN(64, ~mask);
  return value | ((filled + 1n) & mask);
}

/** Lets a 64-bit range whose high halves agree narrow the 32-bit ranges; or touch, `touches`, across a sign change. */
function narrow32By64(d: Draft, isOneHigh: boolean, touches: boolean, minLow: number, maxLow: number): void {
  if (isOneHigh) {
    if (minLow >>> 0 <= maxLow >>> 0) {
      raiseU32min(d, minLow);
      lowerU32max(d, maxLow);
    }
    if (minLow <= maxLow) {
      raiseS32min(d, minLow);
      lowerS32max(d, maxLow);
    }
  } else if (touches && minLow < 0 && maxLow >= 0) {
    raiseS32min(d, minLow);
    lowerS32max(d, maxLow);
  }
}

/** Lets the signed and unsigned 32-bit ranges narrow each other. */
function agree32(d: Draft): void {
  if (d.u32minBits <= d.u32maxBits) {
    raiseS32min(d, d.u32minBits);
    lowerS32max(d, d.u32maxBits);
  }
  const { s32min, s32max } = d;
  if (s32min >>> 0 <= s32max >>> 0) {
    raiseU32min(d, s32min);
    lowerU32max(d, s32max);
  } else if (d.u32maxBits >>> 0 < s32min >>> 0) {
    // The signed range wraps and only its non-negative part meets the unsigned one.
    d.s32min = d.u32minBits;
    lowerU32max(d, s32max);
  } else if (s32max >>> 0 < d.u32minBits >>> 0) {
    // Only its negative part does.
    d.s32max = d.u32maxBits;
    raiseU32min(d, s32min);
  }
}

/** Lets the signed and unsigned 64-bit ranges narrow each other. */
function agree64(d: Draft): void {
  if (!isLess(d.umaxHigh, d.umaxLow, d.uminHigh, d.uminLow)) {
    raiseSmin(d, d.uminHigh, d.uminLow);
    lowerSmax(d, d.umaxHigh, d.umaxLow);
  }
  const { sminHigh, sminLow, smaxHigh, smaxLow } = d;
  if (!isBelow(smaxHigh, smaxLow, sminHigh, sminLow)) {
    raiseUmin(d, sminHigh, sminLow);
    lowerUmax(d, smaxHigh, smaxLow);
  } else if (isBelow(d.umaxHigh, d.umaxLow, sminHigh, sminLow)) {
    d.sminHigh = d.uminHigh;
    d.sminLow = d.uminLow;
    lowerUmax(d, smaxHigh, smaxLow);
  } else if (isBelow(smaxHigh, smaxLow, d.uminHigh, d.uminLow)) {
    d.smaxHigh = d.umaxHigh;
    d.smaxLow = d.umaxLow;
    raiseUmin(d, sminHigh, sminLow);
  }
}

function narrow64ByLow(d: Draft, low: number, high: number): void {
  raiseUmin(d, d.uminHigh, low);
  lowerUmax(d, d.umaxHigh, high);
  raiseSmin(d, d.sminHigh, low);
  lowerSmax(d, d.smaxHigh, high);
}

/** Lets the 32-bit ranges narrow the 64-bit ones. */
function narrow64By32(d: Draft): void {
  narrow64ByLow(d, d.u32minBits, d.u32maxBits);
  if (d.s32min >>> 0 <= d.s32max >>> 0) narrow64ByLow(d, d.s32min, d.s32max);
  if (d.s32min < 0 || isLess(d.sminHigh, d.sminLow, -1, S32_MIN) || isLess(0, S32_MAX, d.smaxHigh, d.smaxLow)) return;
  d.sminHigh = d.uminHigh = 0;
  d.sminLow = d.uminLow = d.s32min;
  d.smaxHigh = d.umaxHigh = d.s32max >> 31;
  d.smaxLow = d.umaxLow = d.s32max;
  if (d.s32min <= d.s32max) intersectRange64(d);
}

/** Bits below the highest in which two halves differ. */
const differing = (a: number, b: number): number => (a === b ? 0 : -1 >>> Math.clz32(a ^ b));

/** Keeps of the known bits those, and adds those, that all numbers from `umin` to `umax` have. */
export function intersectRange64(d: Draft): void {
  const highDelta = differing(d.uminHigh, d.umaxHigh) | 0;
  const lowDelta = highDelta === 0 ? differing(d.uminLow, d.umaxLow) | 0 : -1;
  const isFree = highDelta < 0;
  const rangeHigh = isFree ? 0 : d.uminHigh & ~highDelta;
  const rangeLow = isFree ? 0 : d.uminLow & ~lowDelta;
  d.maskHigh &= highDelta;
  d.maskLow &= lowDelta;
  d.valueHigh = (d.valueHigh | rangeHigh) & ~d.maskHigh;
  d.valueLow = (d.valueLow | rangeLow) & ~d.maskLow;
}

/** The same for the low half, from `u32min` to `u32max`. */
function intersectRange32(d: Draft): void {
  const delta = differing(d.u32minBits, d.u32maxBits) | 0;
  d.maskLow &= delta;
  d.valueLow = (d.valueLow | (d.u32minBits & ~delta)) & ~d.maskLow;
}

/** One round. */
function deduce(d: Draft): void {
  if ((d.uminHigh | d.uminLow) !== 0 || (d.umaxHigh & d.umaxLow) !== -1) {
    const touches = (d.uminHigh >>> 0) + 1 === d.umaxHigh >>> 0;
    narrow32By64(d, d.uminHigh === d.umaxHigh, touches, d.uminLow, d.umaxLow);
  }
  if (d.sminHigh !== S32_MIN || d.sminLow !== 0 || d.smaxHigh !== S32_MAX || d.smaxLow !== -1) {
    narrow32By64(d, d.sminHigh === d.smaxHigh, d.sminHigh + 1 === d.smaxHigh, d.sminLow, d.smaxLow);
  }
  agree32(d);
  agree64(d);
  if (d.u32minBits !== 0 || d.u32maxBits !== -1 || d.s32min >= 0 || d.s32max < 0) narrow64By32(d);
}

/** Three rounds, or fewer where one changed nothing, so that another would not either. */
function deduceAll(d: Draft): void {
  for (let round = 0; round < 3; round++) {
    const { sminHigh, sminLow, smaxHigh, smaxLow, uminHigh, uminLow, umaxHigh, umaxLow } = d;
    const { s32min, s32max, u32minBits, u32maxBits, maskHigh, maskLow } = d;
    deduce(d);
    const low = (d.s32min ^ s32min) | (d.s32max ^ s32max) | (d.u32minBits ^ u32minBits) | (d.u32maxBits ^ u32maxBits);
    const signed = (d.sminHigh ^ sminHigh) | (d.sminLow ^ sminLow) | (d.smaxHigh ^ smaxHigh) | (d.smaxLow ^ smaxLow);
    const unsigned = (d.uminHigh ^ uminHigh) | (d.uminLow ^ uminLow) | (d.umaxHigh ^ umaxHigh) | (d.umaxLow ^ umaxLow);
    if ((low | signed | unsigned | (d.maskHigh ^ maskHigh) | (d.maskLow ^ maskLow)) === 0) return;
  }
}

/** Lets the ranges say which bits are known. */
function narrowBits(d: Draft): void {
  const isUnbounded = (d.uminHigh | d.uminLow | d.u32minBits) === 0 && (d.umaxHigh & d.umaxLow & d.u32maxBits) === -1;
  if (isUnbounded || isKnown(d)) return;
  intersectRange64(d);
  intersectRange32(d);
}

/** All bits are known and no range contradicts them: nothing is left to find out. */
function isSettled(d: Draft): boolean {
  if (!isKnown(d)) return false;
  const { valueHigh, valueLow } = d;
  if (isBelow(valueHigh, valueLow, d.uminHigh, d.uminLow) || isBelow(d.umaxHigh, d.umaxLow, valueHigh, valueLow)) {
    return false;
  }
  if (isLess(valueHigh, valueLow, d.sminHigh, d.sminLow) || isLess(d.smaxHigh, d.smaxLow, valueHigh, valueLow)) {
    return false;
  }
  if (valueLow < d.s32min || valueLow > d.s32max) return false;
  return valueLow >>> 0 >= d.u32minBits >>> 0 && valueLow >>> 0 <= d.u32maxBits >>> 0;
}

/** Makes bits and ranges tell each other all they know. */
export function sync(d: Draft): Scalar {
  if (isSettled(d)) return knownHalves(d.valueHigh, d.valueLow);
  if (isUnknown(d)) return UNKNOWN;
  narrow32ByBits(d);
  narrow64ByBits(d);
  deduceAll(d);
  narrowBits(d);
  narrow32ByBits(d);
  narrow64ByBits(d);
  return d;
}

/** Any value from `min` to `max`, signed 32-bit numbers. */
export function signedRange(min: number, max: number): Scalar {
  const d = draft(UNKNOWN);
  d.s32min = min;
  d.s32max = max;
  d.smin = BigInt(min);
  d.smax = BigInt(max);
  return sync(d);
}

/** Any value from 0 to `max`, at most 2^31 - 1. */
export function unsignedRange(max: number): Scalar {
  const d = draft(UNKNOWN);
  d.umax = d.smax = BigInt(max);
  d.u32max = d.s32max = max;
  d.umin = d.smin = 0n;
  d.u32min = d.s32min = 0;
  return sync(d);
}

/** Clears the high half: what a 32-bit operation leaves. */
export function zeroExtend32(d: Draft): void {
  d.valueHigh = d.maskHigh = d.uminHigh = d.umaxHigh = d.sminHigh = 0;
  d.uminLow = d.u32minBits;
  d.umaxLow = d.u32maxBits;
  if (d.s32min >= 0) {
    d.sminLow = d.s32min;
    d.smaxHigh = d.s32max >> 31;
    d.smaxLow = d.s32max;
  } else {
    d.sminLow = d.smaxHigh = 0;
    d.smaxLow = -1;
  }
}
