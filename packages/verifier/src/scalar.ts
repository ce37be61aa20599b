import { bitLength, type Tnum, tnumIn, tnumIntersect, tnumOr, tnumRange, tnumSubregister } from "./tnum.js";

/**
 * What is known of a 64-bit number: known bits (`value`, `mask` as a tnum) and ranges, signed and unsigned, of all 64 and
 * of the low 32 bits. Every concrete value lies in all of them. Scalars are shared between states and never change.
 */
export interface Scalar extends Tnum {
  readonly smin: bigint;
  readonly smax: bigint;
  readonly umin: bigint;
  readonly umax: bigint;
  readonly s32min: number;
  readonly s32max: number;
  readonly u32min: number;
  readonly u32max: number;
}

/** A scalar under construction. */
export type Draft = { -readonly [Key in keyof Scalar]: Scalar[Key] };

export const S64_MIN: bigint = -(1n << 63n);
export const S64_MAX: bigint = (1n << 63n) - 1n;
export const U64_MAX: bigint = (1n << 64n) - 1n;
export const S32_MIN: number = -(2 ** 31);
export const S32_MAX: number = 2 ** 31 - 1;
export const U32_MAX: number = 2 ** 32 - 1;

const HIGH = 0xffff_ffff_0000_0000n;
const LOW = 0xffff_ffffn;

/** Nothing is known. */
export const UNKNOWN: Scalar = {
  value: 0n,
  mask: U64_MAX,
  smin: S64_MIN,
  smax: S64_MAX,
  umin: 0n,
  umax: U64_MAX,
  s32min: S32_MIN,
  s32max: S32_MAX,
  u32min: 0,
  u32max: U32_MAX,
};

/** Copies a scalar to change it. */
export function draft(from: Scalar): Draft {
  return {
    value: from.value,
    mask: from.mask,
    smin: from.smin,
    smax: from.smax,
    umin: from.umin,
    umax: from.umax,
    s32min: from.s32min,
    s32max: from.s32max,
    u32min: from.u32min,
    u32max: from.u32max,
  };
}

function makeKnown(value: bigint): Scalar {
  const unsigned = BigInt.asUintN(64, value);
  const signed = BigInt.asIntN(64, value);
  const low = Number(unsigned & LOW);
  return {
    value: unsigned,
    mask: 0n,
    smin: signed,
    smax: signed,
    umin: unsigned,
    umax: unsigned,
    s32min: low | 0,
    s32max: low | 0,
    u32min: low,
    u32max: low,
  };
}

const SMALL: readonly Scalar[] = Array.from({ length: 256 }, (_, value) => makeKnown(BigInt(value)));

/** The scalar 0. */
export const ZERO: Scalar = SMALL[0]!;

/** Exactly one value; the low 64 bits of `value` count. */
export function known(value: bigint): Scalar {
  return (value >= 0n && value < 256n ? SMALL[Number(value)] : undefined) ?? makeKnown(value);
}

/** Whether exactly one 64-bit value is possible. */
export const isKnown = (scalar: Scalar): boolean => scalar.mask === 0n;

/** Whether the low 32 bits are exactly known. */
export const isKnown32 = (scalar: Scalar): boolean => (scalar.mask & LOW) === 0n;

/** Whether exactly 0 is possible. */
export const isZero = (scalar: Scalar): boolean => scalar.mask === 0n && scalar.value === 0n;

/** The low 32 bits, unsigned, where they are known. */
export const low32 = (scalar: Scalar): number => Number(scalar.value & LOW);

/** How many bits the largest value needs. */
export const width = (scalar: Scalar): number => bitLength(scalar.umax);

/** The smaller. */
export const min64 = (a: bigint, b: bigint): bigint => (a < b ? a : b);
/** The larger. */
export const max64 = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Drops both 64-bit ranges. */
export function forget64(d: Draft): void {
  d.smin = S64_MIN;
  d.smax = S64_MAX;
  d.umin = 0n;
  d.umax = U64_MAX;
}

/** Drops both 32-bit ranges. */
export function forget32(d: Draft): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  d.u32min = 0;
  d.u32max = U32_MAX;
}

/** Sets the known bits. */
export function setTnum(d: Draft, bits: Tnum): void {
  d.value = bits.value;
  d.mask = bits.mask;
}

/** Narrows the 32-bit ranges to what the known bits allow. */
export function narrow32ByBits(d: Draft): void {
  const value = Number(d.value & LOW);
  const mask = Number(d.mask & LOW);
  d.s32min = Math.max(d.s32min, value | (mask & S32_MIN));
  d.s32max = Math.min(d.s32max, value | (mask & S32_MAX));
  d.u32min = Math.max(d.u32min, value);
  d.u32max = Math.min(d.u32max, (value | mask) >>> 0);
}

/** Narrows the 64-bit ranges to what the known bits allow. */
export function narrow64ByBits(d: Draft): void {
  d.smin = max64(d.smin, BigInt.asIntN(64, d.value | (d.mask & (1n << 63n))));
  d.smax = min64(d.smax, BigInt.asIntN(64, d.value | (d.mask & S64_MAX)));
  d.umin = max64(d.umin, d.value);
  d.umax = min64(d.umax, d.value | d.mask);
}

/** Lets a 64-bit range whose high halves agree (or touch across a sign change) narrow the 32-bit ranges. */
function narrow32By64(d: Draft, min: bigint, max: bigint): void {
  const highMin = min >> 32n;
  const highMax = max >> 32n;
  const lowMin = Number(BigInt.asIntN(32, min));
  const lowMax = Number(BigInt.asIntN(32, max));
  if (highMin === highMax) {
    if (lowMin >>> 0 <= lowMax >>> 0) {
      d.u32min = Math.max(d.u32min, lowMin >>> 0);
      d.u32max = Math.min(d.u32max, lowMax >>> 0);
    }
    if (lowMin <= lowMax) {
      d.s32min = Math.max(d.s32min, lowMin);
      d.s32max = Math.min(d.s32max, lowMax);
    }
  } else if (highMin + 1n === highMax && lowMin < 0 && lowMax >= 0) {
    d.s32min = Math.max(d.s32min, lowMin);
    d.s32max = Math.min(d.s32max, lowMax);
  }
}

/** Lets the signed and unsigned 32-bit ranges narrow each other. */
function agree32(d: Draft): void {
  if ((d.u32min | 0) <= (d.u32max | 0)) {
    d.s32min = Math.max(d.s32min, d.u32min | 0);
    d.s32max = Math.min(d.s32max, d.u32max | 0);
  }
  if (d.s32min >>> 0 <= d.s32max >>> 0) {
    d.u32min = Math.max(d.s32min >>> 0, d.u32min);
    d.u32max = Math.min(d.s32max >>> 0, d.u32max);
  } else if (d.u32max < d.s32min >>> 0) {
    // The signed range wraps and only its non-negative part meets the unsigned one.
    d.s32min = d.u32min | 0;
    d.u32max = Math.min(d.u32max, d.s32max >>> 0);
  } else if (d.s32max >>> 0 < d.u32min) {
    // Only its negative part does.
    d.s32max = d.u32max | 0;
    d.u32min = Math.max(d.u32min, d.s32min >>> 0);
  }
}

/** Lets the signed and unsigned 64-bit ranges narrow each other. */
function agree64(d: Draft): void {
  const lowSigned = BigInt.asIntN(64, d.umin);
  const highSigned = BigInt.asIntN(64, d.umax);
  if (lowSigned <= highSigned) {
    d.smin = max64(d.smin, lowSigned);
    d.smax = min64(d.smax, highSigned);
  }
  const lowUnsigned = BigInt.asUintN(64, d.smin);
  const highUnsigned = BigInt.asUintN(64, d.smax);
  if (lowUnsigned <= highUnsigned) {
    d.umin = max64(lowUnsigned, d.umin);
    d.umax = min64(highUnsigned, d.umax);
  } else if (d.umax < lowUnsigned) {
    d.smin = BigInt.asIntN(64, d.umin);
    d.umax = min64(d.umax, highUnsigned);
  } else if (highUnsigned < d.umin) {
    d.smax = BigInt.asIntN(64, d.umax);
    d.umin = max64(d.umin, lowUnsigned);
  }
}

function narrow64ByLow(d: Draft, low: bigint, high: bigint): void {
  d.umin = max64(d.umin, (d.umin & HIGH) | low);
  d.umax = min64(d.umax, (d.umax & HIGH) | high);
  d.smin = max64(d.smin, BigInt.asIntN(64, (BigInt.asUintN(64, d.smin) & HIGH) | low));
  d.smax = min64(d.smax, BigInt.asIntN(64, (BigInt.asUintN(64, d.smax) & HIGH) | high));
}

/** Lets the 32-bit ranges narrow the 64-bit ones. */
function narrow64By32(d: Draft): void {
  narrow64ByLow(d, BigInt(d.u32min), BigInt(d.u32max));
  if (d.s32min >>> 0 <= d.s32max >>> 0) narrow64ByLow(d, BigInt(d.s32min >>> 0), BigInt(d.s32max >>> 0));
  if (d.s32min >= 0 && d.smin >= BigInt(S32_MIN) && d.smax <= BigInt(S32_MAX)) {
    d.smin = d.umin = BigInt(d.s32min);
    d.smax = d.umax = BigInt(d.s32max);
    if (d.smin <= d.smax) setTnum(d, tnumIntersect(d, tnumRange(d.umin, d.umax)));
  }
}

/** One round; false: it changed nothing, so that another round would not either. */
function deduce(d: Draft): boolean {
  const { smin, smax, umin, umax, s32min, s32max, u32min, u32max, mask } = d;
  if (umin !== 0n || umax !== U64_MAX) narrow32By64(d, umin, umax);
  if (smin !== S64_MIN || smax !== S64_MAX) narrow32By64(d, smin, smax);
  agree32(d);
  agree64(d);
  if (d.u32min !== 0 || d.u32max !== U32_MAX || d.s32min >= 0 || d.s32max < 0) narrow64By32(d);
  return (
    d.u32min !== u32min ||
    d.u32max !== u32max ||
    d.s32min !== s32min ||
    d.s32max !== s32max ||
    d.umin !== umin ||
    d.umax !== umax ||
    d.smin !== smin ||
    d.smax !== smax ||
    d.mask !== mask
  );
}

/** Lets the ranges say which bits are known. */
function narrowBits(d: Draft): void {
  const isUnbounded = d.umin === 0n && d.umax === U64_MAX && d.u32min === 0 && d.u32max === U32_MAX;
  if (isUnbounded || d.mask === 0n) return;
  const wide = tnumIntersect(d, tnumRange(d.umin, d.umax));
  const low = tnumIntersect(tnumSubregister(wide), tnumRange(BigInt(d.u32min), BigInt(d.u32max)));
  setTnum(d, tnumOr({ value: wide.value & HIGH, mask: wide.mask & HIGH }, low));
}

const consistent = (d: Draft): boolean =>
  d.umin <= d.umax && d.smin <= d.smax && d.u32min <= d.u32max && d.s32min <= d.s32max;

const agreesWithBits = (d: Draft): boolean =>
  (d.mask !== 0n || (d.umin === d.value && d.umax === d.value && d.smin === BigInt.asIntN(64, d.value))) &&
  ((d.mask & LOW) !== 0n || (d.u32min === Number(d.value & LOW) && d.u32max === d.u32min));

/** All bits are known and no range contradicts them: nothing is left to find out. */
function isSettled({ mask, value, umin, umax, smin, smax, u32min, u32max, s32min, s32max }: Draft): boolean {
  if (mask !== 0n || value < umin || value > umax) return false;
  const signed = BigInt.asIntN(64, value);
  const low = Number(value & LOW);
  const signedLow = low | 0;
  return (
    signed >= smin && signed <= smax && low >= u32min && low <= u32max && signedLow >= s32min && signedLow <= s32max
  );
}

/**
 * Makes bits and ranges tell each other all they know (the kernel's `reg_bounds_sync`), in its order and as often, for the
 * result decides what is pruned.
 */
export function sync(d: Draft): Scalar {
  if (isSettled(d)) return known(d.value);
  narrow32ByBits(d);
  narrow64ByBits(d);
  if (deduce(d) && deduce(d)) deduce(d);
  narrowBits(d);
  narrow32ByBits(d);
  narrow64ByBits(d);
  return d;
}

/**
 * Whether ranges and bits contradict each other: such a value cannot occur, which the path that led here did not notice.
 */
export function isContradiction(scalar: Scalar): boolean {
  return !consistent(scalar) || !agreesWithBits(scalar);
}

/** Drops the ranges of a contradiction, as the kernel does, so that later arithmetic starts from sound ones. */
export function sane(scalar: Scalar): Scalar {
  if (!isContradiction(scalar)) return scalar;
  const d = draft(scalar);
  forget64(d);
  forget32(d);
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

/** Whether every value of `inner` is possible in `outer`. */
export function contains(outer: Scalar, inner: Scalar): boolean {
  if (outer === inner || outer === UNKNOWN) return true;
  return (
    outer.umin <= inner.umin &&
    outer.umax >= inner.umax &&
    outer.smin <= inner.smin &&
    outer.smax >= inner.smax &&
    outer.u32min <= inner.u32min &&
    outer.u32max >= inner.u32max &&
    outer.s32min <= inner.s32min &&
    outer.s32max >= inner.s32max &&
    tnumIn(outer, inner)
  );
}

/** Whether two scalars say exactly the same. */
export function sameScalar(a: Scalar, b: Scalar): boolean {
  if (a === b) return true;
  return (
    a.value === b.value &&
    a.mask === b.mask &&
    a.umin === b.umin &&
    a.umax === b.umax &&
    a.smin === b.smin &&
    a.smax === b.smax &&
    a.u32min === b.u32min &&
    a.u32max === b.u32max &&
    a.s32min === b.s32min &&
    a.s32max === b.s32max
  );
}

/** Clears the high half: what a 32-bit operation leaves. */
export function zeroExtend32(d: Draft): void {
  setTnum(d, tnumSubregister(d));
  d.umin = BigInt(d.u32min);
  d.umax = BigInt(d.u32max);
  if (d.s32min >= 0) {
    d.smin = BigInt(d.s32min);
    d.smax = BigInt(d.s32max);
  } else {
    d.smin = 0n;
    d.smax = LOW;
  }
}
