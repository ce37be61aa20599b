/**
 * A tristate number: each of 64 bits is known to be 0, known to be 1, or unknown (Linux kernel/bpf/tnum.c).
 * `mask` has a 1 for each unknown bit, `value` the known ones; they never share a 1. Both are unsigned 64-bit.
 */
export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
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
