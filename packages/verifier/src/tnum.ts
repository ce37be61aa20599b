/**
 * A tristate number: each of 64 bits is known to be 0, known to be 1, or unknown (Linux kernel/bpf/tnum.c).
 * `mask` has a 1 for each unknown bit, `value` the known ones; they never share a 1. Both are unsigned 64-bit.
 */
export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

const U64 = 0xffff_ffff_ffff_ffffn;
const U32 = 0xffff_ffffn;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Nothing is known. */
export const TNUM_UNKNOWN: Tnum = { value: 0n, mask: U64 };

/** Exactly one value. */
export const tnumConst = (value: bigint): Tnum => ({ value: u64(value), mask: 0n });

/** The smallest tnum that holds every value from `min` to `max`, unsigned. */
export function tnumRange(min: bigint, max: bigint): Tnum {
  const bits = bitLength(min ^ max);
  if (bits > 63) return TNUM_UNKNOWN;
  const delta = (1n << BigInt(bits)) - 1n;
  return { value: min & ~delta & U64, mask: delta };
}

/** Bits needed to write a non-negative number: 0 for 0. */
export function bitLength(value: bigint): number {
  const high = Number(value >> 32n);
  return high === 0 ? 32 - Math.clz32(Number(value & U32)) : 64 - Math.clz32(high);
}

/** All values `a + b` may have. */
export function tnumAdd(a: Tnum, b: Tnum): Tnum {
  const maskSum = a.mask + b.mask;
  const valueSum = u64(a.value + b.value);
  const mask = (u64(maskSum + valueSum) ^ valueSum) | a.mask | b.mask;
  return { value: valueSum & ~mask & U64, mask: mask & U64 };
}

/** All values `a - b` may have. */
export function tnumSub(a: Tnum, b: Tnum): Tnum {
  const difference = u64(a.value - b.value);
  const mask = (u64(difference + a.mask) ^ u64(difference - b.mask)) | a.mask | b.mask;
  return { value: difference & ~mask & U64, mask: mask & U64 };
}

/** All values `a & b` may have. */
export function tnumAnd(a: Tnum, b: Tnum): Tnum {
  const value = a.value & b.value;
  return { value, mask: (a.value | a.mask) & (b.value | b.mask) & ~value & U64 };
}

/** All values `a | b` may have. */
export function tnumOr(a: Tnum, b: Tnum): Tnum {
  const value = a.value | b.value;
  return { value, mask: (a.mask | b.mask) & ~value & U64 };
}

/** All values `a ^ b` may have. */
export function tnumXor(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask | b.mask;
  return { value: (a.value ^ b.value) & ~mask & U64, mask };
}

/** The smallest tnum that holds both. */
export function tnumUnion(a: Tnum, b: Tnum): Tnum {
  const mask = (a.value ^ b.value) | a.mask | b.mask;
  return { value: a.value & b.value & ~mask & U64, mask };
}

/** What both say; where they contradict each other, any answer will do, for no value is possible. */
export function tnumIntersect(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask & b.mask;
  return { value: (a.value | b.value) & ~mask & U64, mask };
}

/** Shifts left by a known amount below 64. */
export function tnumShiftLeft(a: Tnum, bits: bigint): Tnum {
  return { value: u64(a.value << bits), mask: u64(a.mask << bits) };
}

/** Shifts right, zeros coming in, by a known amount below 64. */
export function tnumShiftRight(a: Tnum, bits: bigint): Tnum {
  return { value: a.value >> bits, mask: a.mask >> bits };
}

/** Shifts right, the sign coming in, as a number of 32 or 64 bits. */
export function tnumArithmeticShiftRight(a: Tnum, bits: bigint, width: 32 | 64): Tnum {
  const shift = (part: bigint): bigint => BigInt.asUintN(width, BigInt.asIntN(width, part) >> bits);
  return { value: shift(a.value), mask: shift(a.mask) };
}

/** All values `a * b` may have: long multiplication, each unknown bit of `a` adding either nothing or `b`. */
export function tnumMul(a: Tnum, b: Tnum): Tnum {
  let sum: Tnum = { value: 0n, mask: 0n };
  let left = a;
  let right = b;
  while (left.value !== 0n || left.mask !== 0n) {
    if ((left.value & 1n) !== 0n) sum = tnumAdd(sum, right);
    else if ((left.mask & 1n) !== 0n) sum = tnumUnion(sum, tnumAdd(sum, right));
    left = tnumShiftRight(left, 1n);
    right = tnumShiftLeft(right, 1n);
  }
  return sum;
}

/** The low `size` bytes, zero-extended. */
export function tnumCast(a: Tnum, size: number): Tnum {
  const bits = size * 8;
  return { value: BigInt.asUintN(bits, a.value), mask: BigInt.asUintN(bits, a.mask) };
}

/** The low 32 bits, zero-extended. */
/** The low `size` bytes in reverse; the rest is zero. */
export function tnumSwapBytes(a: Tnum, size: number): Tnum {
  return { value: swapBytes(a.value, size), mask: swapBytes(a.mask, size) };
}

function swapBytes(value: bigint, size: number): bigint {
  let swapped = 0n;
  for (let index = 0n; index < size; index++) swapped = (swapped << 8n) | ((value >> (8n * index)) & 0xffn);
  return swapped;
}

export const tnumSubregister = (a: Tnum): Tnum => ({ value: a.value & U32, mask: a.mask & U32 });

/** `a` with its low 32 bits replaced by those of `low`. */
export function tnumWithSubregister(a: Tnum, low: Tnum): Tnum {
  return { value: (a.value & ~U32 & U64) | (low.value & U32), mask: (a.mask & ~U32 & U64) | (low.mask & U32) };
}

/** Whether every value of `b` is one of `a`. */
export function tnumIn(a: Tnum, b: Tnum): boolean {
  if ((b.mask & ~a.mask & U64) !== 0n) return false;
  return a.value === (b.value & ~a.mask & U64);
}

/** Whether some value is in both. */
export function tnumOverlap(a: Tnum, b: Tnum): boolean {
  const known = ~(a.mask | b.mask) & U64;
  return (a.value & known) === (b.value & known);
}

/** Whether every value is a multiple of `size`, a power of two. */
export function tnumIsAligned(a: Tnum, size: number): boolean {
  return ((a.value | a.mask) & BigInt(size - 1)) === 0n;
}
