import type { MemoryViews } from "@bpfkit/core";
import { ADD, AND, CMPXCHG, FETCH, LOAD_ACQUIRE, OR, STORE_RELEASE, XOR } from "./atomics.js";

/** Elements of 4 or 8 bytes, by the values they take. */
type ArrayOf<T> = T extends bigint ? BigInt64Array : Int32Array;

/**
 * Carries out one atomic of `size` bytes in memory that threads share, at an address that was checked and is a multiple of
 * `size`. `regs64`: the registers again, whole.
 */
export function runSharedAtomic(
  regs: Int32Array,
  regs64: BigInt64Array,
  { i32, i64 }: MemoryViews,
  address: number,
  size: number,
  operation: number,
  dst: number,
  src: number,
): void {
  if (size < 4) {
    runNarrow(regs, i32, address, size, operation, dst, src);
    return;
  }
  if (size === 4) {
    const old = run<number>(i32, address >>> 2, operation, regs[src]!, regs[0]!);
    const register = resultOf(operation, dst, src);
    if (register < 0) return;
    regs[register] = old;
    regs[register + 1] = 0;
    return;
  }
  const old = run<bigint>(i64!, address >>> 3, operation, regs64[src >>> 1]!, regs64[0]!);
  const register = resultOf(operation, dst, src);
  if (register >= 0) regs64[register >>> 1] = old;
}

/** The register, by its index in halves, that gets what was there; -1 for none. */
function resultOf(operation: number, dst: number, src: number): number {
  if (operation === LOAD_ACQUIRE) return dst;
  if (operation === STORE_RELEASE) return -1;
  if (operation === CMPXCHG) return 0;
  return (operation & FETCH) === 0 ? -1 : src;
}

/** Carries it out on one element and gives what was there. */
function run<T extends number | bigint>(words: ArrayOf<T>, at: number, operation: number, operand: T, expected: T): T {
  // Both kinds of array have these operations, on values of their own kind.
  const array = words as BigInt64Array;
  const value = operand as bigint;
  return onElement(array, at, operation, value, expected as bigint) as T;
}

function onElement(array: BigInt64Array, at: number, operation: number, value: bigint, expected: bigint): bigint {
  if (operation === LOAD_ACQUIRE) return Atomics.load(array, at);
  if (operation === STORE_RELEASE) return Atomics.store(array, at, value);
  if (operation === CMPXCHG) return Atomics.compareExchange(array, at, expected, value);
  switch (operation & ~FETCH) {
    case ADD:
      return Atomics.add(array, at, value);
    case OR:
      return Atomics.or(array, at, value);
    case AND:
      return Atomics.and(array, at, value);
    case XOR:
      return Atomics.xor(array, at, value);
    default: // xchg
      return Atomics.exchange(array, at, value);
  }
}

/** A load or store of 1 or 2 bytes: they lie in one word of 4. */
function runNarrow(
  regs: Int32Array,
  i32: Int32Array,
  address: number,
  size: number,
  operation: number,
  dst: number,
  src: number,
): void {
  const at = address >>> 2;
  const shift = 8 * (address & 3);
  const mask = (size === 1 ? 0xff : 0xffff) << shift;
  let word = Atomics.load(i32, at);
  if (operation === LOAD_ACQUIRE) {
    regs[dst] = (word & mask) >>> shift;
    regs[dst + 1] = 0;
    return;
  }
  for (;;) {
    const seen = Atomics.compareExchange(i32, at, word, (word & ~mask) | ((regs[src]! << shift) & mask));
    if (seen === word) return;
    word = seen;
  }
}
