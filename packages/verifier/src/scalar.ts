import { highOf, isBelow, isLess, lowOf, signedNumber, signedOf, unsignedNumber, unsignedOf } from "./halves.js";
import type { Tnum } from "./tnum.js";

/**
 * A scalar under construction. The walk computes with halves (`halves.ts`); everyone else reads and writes whole numbers:
 * `value` and `mask` as a tnum, `smin` … `umax` the ranges of all 64 bits, `s32min` … `u32max` those of the low 32.
 */
export class Draft implements Tnum {
  valueHigh: number;
  valueLow: number;
  maskHigh: number;
  maskLow: number;
  sminHigh: number;
  sminLow: number;
  smaxHigh: number;
  smaxLow: number;
  uminHigh: number;
  uminLow: number;
  umaxHigh: number;
  umaxLow: number;
  s32min: number;
  s32max: number;
  /** As signed 32-bit numbers. */
  u32minBits: number;
  u32maxBits: number;

  /** A copy. */
  constructor(from: Halves) {
    this.valueHigh = from.valueHigh;
    this.valueLow = from.valueLow;
    this.maskHigh = from.maskHigh;
    this.maskLow = from.maskLow;
    this.sminHigh = from.sminHigh;
    this.sminLow = from.sminLow;
    this.smaxHigh = from.smaxHigh;
    this.smaxLow = from.smaxLow;
    this.uminHigh = from.uminHigh;
    this.uminLow = from.uminLow;
    this.umaxHigh = from.umaxHigh;
    this.umaxLow = from.umaxLow;
    this.s32min = from.s32min;
    this.s32max = from.s32max;
    this.u32minBits = from.u32minBits;
    this.u32maxBits = from.u32maxBits;
  }

  get value(): bigint {
    return unsignedOf(this.valueHigh, this.valueLow);
  }
  get mask(): bigint {
    return unsignedOf(this.maskHigh, this.maskLow);
  }
  get smin(): bigint {
    return signedOf(this.sminHigh, this.sminLow);
  }
  set smin(value: bigint) {
    this.sminHigh = highOf(value);
    this.sminLow = lowOf(value);
  }
  get smax(): bigint {
    return signedOf(this.smaxHigh, this.smaxLow);
  }
  set smax(value: bigint) {
    this.smaxHigh = highOf(value);
    this.smaxLow = lowOf(value);
  }
  get umin(): bigint {
    return unsignedOf(this.uminHigh, this.uminLow);
  }
  set umin(value: bigint) {
    this.uminHigh = highOf(value);
    this.uminLow = lowOf(value);
  }
  get umax(): bigint {
    return unsignedOf(this.umaxHigh, this.umaxLow);
  }
  set umax(value: bigint) {
    this.umaxHigh = highOf(value);
    this.umaxLow = lowOf(value);
  }
  get u32min(): number {
    return this.u32minBits >>> 0;
  }
  set u32min(value: number) {
    this.u32minBits = value | 0;
  }
  get u32max(): number {
    return this.u32maxBits >>> 0;
  }
  set u32max(value: number) {
    this.u32maxBits = value | 0;
  }
}

/**
 * What is known of a 64-bit number: known bits (`value`, `mask` as a tnum) and ranges, signed and unsigned, of all 64 and
 * of the low 32 bits. Every concrete value lies in all of them. Scalars are shared between states and never change.
 */
export type Scalar = Readonly<Draft>;

type Halves = Omit<Scalar, "value" | "mask" | "smin" | "smax" | "umin" | "umax" | "u32min" | "u32max">;

export const S64_MIN: bigint = -(1n << 63n);
export const S64_MAX: bigint = (1n << 63n) - 1n;
export const U64_MAX: bigint = (1n << 64n) - 1n;
export const S32_MIN: number = -(2 ** 31);
export const S32_MAX: number = 2 ** 31 - 1;
export const U32_MAX: number = 2 ** 32 - 1;

/** Nothing is known. */
export const UNKNOWN: Scalar = new Draft({
  valueHigh: 0,
  valueLow: 0,
  maskHigh: -1,
  maskLow: -1,
  sminHigh: S32_MIN,
  sminLow: 0,
  smaxHigh: S32_MAX,
  smaxLow: -1,
  uminHigh: 0,
  uminLow: 0,
  umaxHigh: -1,
  umaxLow: -1,
  s32min: S32_MIN,
  s32max: S32_MAX,
  u32minBits: 0,
  u32maxBits: -1,
});

/** Copies a scalar to change it. */
export const draft = (from: Scalar): Draft => new Draft(from);

function makeKnown(high: number, low: number): Scalar {
  const d = new Draft(UNKNOWN);
  d.valueHigh = d.sminHigh = d.smaxHigh = d.uminHigh = d.umaxHigh = high;
  d.valueLow = d.sminLow = d.smaxLow = d.uminLow = d.umaxLow = low;
  d.maskHigh = d.maskLow = 0;
  d.s32min = d.s32max = d.u32minBits = d.u32maxBits = low;
  return d;
}

const SMALL: readonly Scalar[] = Array.from({ length: 256 }, (_, value) => makeKnown(0, value));

/** The scalar 0. */
export const ZERO: Scalar = SMALL[0]!;

/** Exactly one value, by its halves. */
export function knownHalves(high: number, low: number): Scalar {
  return high === 0 && low >= 0 && low < 256 ? SMALL[low]! : makeKnown(high, low);
}

/** Exactly one value; the low 64 bits of `value` count. */
export const known = (value: bigint): Scalar => knownHalves(highOf(value), lowOf(value));

/** Whether exactly one 64-bit value is possible. */
export const isKnown = (scalar: Scalar): boolean => (scalar.maskHigh | scalar.maskLow) === 0;

/** Whether the low 32 bits are exactly known. */
export const isKnown32 = (scalar: Scalar): boolean => scalar.maskLow === 0;

/** Whether exactly 0 is possible. */
export const isZero = (scalar: Scalar): boolean => isKnown(scalar) && (scalar.valueHigh | scalar.valueLow) === 0;

/** The low 32 bits, unsigned, where they are known. */
export const low32 = (scalar: Scalar): number => scalar.valueLow >>> 0;

/** How many bits the largest value needs. */
export function width(scalar: Scalar): number {
  return scalar.umaxHigh === 0 ? 32 - Math.clz32(scalar.umaxLow) : 64 - Math.clz32(scalar.umaxHigh);
}

/** `smin`, `smax` and `umax` as ordinary numbers, to be compared with small bounds. */
export const smallest = (scalar: Scalar): number => signedNumber(scalar.sminHigh, scalar.sminLow);
export const largest = (scalar: Scalar): number => signedNumber(scalar.smaxHigh, scalar.smaxLow);
export const largestUnsigned = (scalar: Scalar): number => unsignedNumber(scalar.umaxHigh, scalar.umaxLow);

/** Sets the signed 64-bit range by its halves. */
export function setSigned64(d: Draft, minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
  d.sminHigh = minHigh;
  d.sminLow = minLow;
  d.smaxHigh = maxHigh;
  d.smaxLow = maxLow;
}

/** Sets the unsigned 64-bit range by its halves. */
export function setUnsigned64(d: Draft, minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
  d.uminHigh = minHigh;
  d.uminLow = minLow;
  d.umaxHigh = maxHigh;
  d.umaxLow = maxLow;
}

/** Drops the signed 64-bit range. */
export function forgetSigned64(d: Draft): void {
  setSigned64(d, S32_MIN, 0, S32_MAX, -1);
}

/** Drops the unsigned 64-bit range. */
export function forgetUnsigned64(d: Draft): void {
  setUnsigned64(d, 0, 0, -1, -1);
}

/** Drops both 64-bit ranges. */
export function forget64(d: Draft): void {
  forgetSigned64(d);
  forgetUnsigned64(d);
}

/** Drops both 32-bit ranges. */
export function forget32(d: Draft): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  d.u32minBits = 0;
  d.u32maxBits = -1;
}

/** Sets the known bits. */
export function setTnum(d: Draft, bits: Tnum): void {
  d.valueHigh = highOf(bits.value);
  d.valueLow = lowOf(bits.value);
  d.maskHigh = highOf(bits.mask);
  d.maskLow = lowOf(bits.mask);
}

/** Whether nothing at all is known. */
export function isUnknown(s: Scalar): boolean {
  return (
    (s.maskHigh & s.maskLow & s.umaxHigh & s.umaxLow & s.smaxLow & s.u32maxBits) === -1 &&
    (s.uminHigh | s.uminLow | s.sminLow | s.u32minBits) === 0 &&
    s.sminHigh === S32_MIN &&
    s.smaxHigh === S32_MAX &&
    s.s32min === S32_MIN &&
    s.s32max === S32_MAX
  );
}

/** Whether some number is in the unsigned 64-bit range, and some in the signed one. */
export const hasRanges64 = (d: Scalar): boolean =>
  !isBelow(d.umaxHigh, d.umaxLow, d.uminHigh, d.uminLow) && !isLess(d.smaxHigh, d.smaxLow, d.sminHigh, d.sminLow);

const consistent = (d: Scalar): boolean =>
  hasRanges64(d) && d.u32minBits >>> 0 <= d.u32maxBits >>> 0 && d.s32min <= d.s32max;

function agreesWithBits(d: Scalar): boolean {
  if (d.maskLow !== 0) return true;
  if (d.u32minBits !== d.valueLow || d.u32maxBits !== d.valueLow) return false;
  if (d.maskHigh !== 0) return true;
  const high = (d.uminHigh ^ d.valueHigh) | (d.umaxHigh ^ d.valueHigh) | (d.sminHigh ^ d.valueHigh);
  const low = (d.uminLow ^ d.valueLow) | (d.umaxLow ^ d.valueLow) | (d.sminLow ^ d.valueLow);
  return (high | low) === 0;
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

/** Whether every value of `inner` is possible in `outer`. */
export function contains(outer: Scalar, inner: Scalar): boolean {
  if (outer === inner || outer === UNKNOWN) return true;
  return (
    !isBelow(inner.uminHigh, inner.uminLow, outer.uminHigh, outer.uminLow) &&
    !isBelow(outer.umaxHigh, outer.umaxLow, inner.umaxHigh, inner.umaxLow) &&
    !isLess(inner.sminHigh, inner.sminLow, outer.sminHigh, outer.sminLow) &&
    !isLess(outer.smaxHigh, outer.smaxLow, inner.smaxHigh, inner.smaxLow) &&
    outer.u32minBits >>> 0 <= inner.u32minBits >>> 0 &&
    outer.u32maxBits >>> 0 >= inner.u32maxBits >>> 0 &&
    outer.s32min <= inner.s32min &&
    outer.s32max >= inner.s32max &&
    containsBits(outer, inner)
  );
}

/** Whether all known bits of `outer` are known and the same in `inner`. */
function containsBits(outer: Scalar, inner: Scalar): boolean {
  const high = (inner.maskHigh | (inner.valueHigh ^ outer.valueHigh)) & ~outer.maskHigh;
  const low = (inner.maskLow | (inner.valueLow ^ outer.valueLow)) & ~outer.maskLow;
  return (high | low) === 0;
}

/** Whether two scalars say exactly the same. */
export function sameScalar(a: Scalar, b: Scalar): boolean {
  if (a === b) return true;
  return (
    a.valueLow === b.valueLow &&
    a.maskLow === b.maskLow &&
    a.valueHigh === b.valueHigh &&
    a.maskHigh === b.maskHigh &&
    a.uminLow === b.uminLow &&
    a.uminHigh === b.uminHigh &&
    a.umaxLow === b.umaxLow &&
    a.umaxHigh === b.umaxHigh &&
    a.sminLow === b.sminLow &&
    a.sminHigh === b.sminHigh &&
    a.smaxLow === b.smaxLow &&
    a.smaxHigh === b.smaxHigh &&
    a.u32minBits === b.u32minBits &&
    a.u32maxBits === b.u32maxBits &&
    a.s32min === b.s32min &&
    a.s32max === b.s32max
  );
}
