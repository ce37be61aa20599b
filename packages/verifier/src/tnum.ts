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

/** Nothing is known. */
const TNUM_UNKNOWN: Tnum = { value: 0n, mask: U64 };

/** The smallest tnum that holds every value from `min` to `max`, unsigned. */
export function tnumRange(min: bigint, max: bigint): Tnum {
  const bits = bitLength(min ^ max);
  if (bits > 63) return TNUM_UNKNOWN;
  const delta = (1n << BigInt(bits)) - 1n;
  return { value: min & ~delta & U64, mask: delta };
}

/** Bits needed to write a non-negative number: 0 for 0. */
function bitLength(value: bigint): number {
  const high = Number(value >> 32n);
  return high === 0 ? 32 - Math.clz32(Number(value & U32)) : 64 - Math.clz32(high);
}

/** The low `size` bytes in reverse; the rest is zero. */
export function tnumSwapBytes(a: Tnum, size: number): Tnum {
  return { value: swapBytes(a.value, size), mask: swapBytes(a.mask, size) };
}

function swapBytes(value: bigint, size: number): bigint {
  let swapped = 0n;
  for (let index = 0n; index < size; index++) swapped = (swapped << 8n) | ((value >> (8n * index)) & 0xffn);
  return swapped;
}
