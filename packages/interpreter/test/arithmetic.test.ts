import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  divide32,
  divide64,
  divideSigned32,
  divideSigned64,
  modulo32,
  modulo64,
  moduloSigned32,
  moduloSigned64,
  multiply64,
  swapBytes,
} from "../src/arithmetic.js";

type Operation64 = (regs: Int32Array, dst: number, low: number, high: number) => void;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const half = (value: bigint): number => Number(BigInt.asIntN(32, value));

function apply(operation: Operation64, a: bigint, b: bigint): bigint {
  const regs = new Int32Array([half(a), half(a >> 32n)]);
  operation(regs, 0, half(b), half(b >> 32n));
  return (BigInt(regs[1]! >>> 0) << 32n) | BigInt(regs[0]! >>> 0);
}

const SIGNED_MIN = 1n << 63n;
const BOUNDARIES = [
  0n,
  1n,
  2n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 32n,
  (1n << 53n) - 1n,
  1n << 53n,
  SIGNED_MIN - 1n,
  SIGNED_MIN,
  u64(-1n),
  u64(-2n),
];
const anyU64 = fc.oneof(
  fc.constantFrom(...BOUNDARIES),
  fc.bigInt({ min: 0n, max: u64(-1n) }),
  fc.bigInt({ min: 0n, max: 1n << 34n }),
);

describe("64-bit arithmetic on halves equals bigint", () => {
  const laws: [string, Operation64, (a: bigint, b: bigint) => bigint][] = [
    ["multiply64", multiply64, (a, b) => u64(a * b)],
    ["divide64", divide64, (a, b) => (b === 0n ? 0n : a / b)],
    ["modulo64", modulo64, (a, b) => (b === 0n ? a : a % b)],
    ["divideSigned64", divideSigned64, (a, b) => (b === 0n ? 0n : u64(s64(a) / s64(b)))],
    ["moduloSigned64", moduloSigned64, (a, b) => (b === 0n ? a : u64(s64(a) % s64(b)))],
  ];
  test.each(laws)("%s", (_, operation, model) => {
    for (const a of BOUNDARIES)
      for (const b of BOUNDARIES) expect([a, b, apply(operation, a, b)]).toEqual([a, b, model(a, b)]);
    fc.assert(
      fc.property(anyU64, anyU64, (a, b) => {
        expect(apply(operation, a, b)).toBe(model(a, b));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("32-bit division equals bigint", () => {
  const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);
  const s32 = (value: bigint): bigint => BigInt.asIntN(32, value);
  const laws: [string, (a: number, b: number) => number, (a: bigint, b: bigint) => bigint][] = [
    ["divide32", divide32, (a, b) => (b === 0n ? 0n : a / b)],
    ["modulo32", modulo32, (a, b) => (b === 0n ? a : a % b)],
    ["divideSigned32", divideSigned32, (a, b) => (b === 0n ? 0n : u32(s32(a) / s32(b)))],
    ["moduloSigned32", moduloSigned32, (a, b) => (b === 0n ? a : u32(s32(a) % s32(b)))],
  ];
  test.each(laws)("%s", (_, operation, model) => {
    const any = fc.oneof(fc.constantFrom(0, 1, -1, 2147483647, -2147483648), fc.integer());
    fc.assert(
      fc.property(any, any, (a, b) => {
        const stored = new Int32Array([operation(a, b)])[0]! >>> 0;
        expect(BigInt(stored)).toBe(model(u32(BigInt(a)), u32(BigInt(b))));
      }),
      { numRuns: 2000 },
    );
  });
});

test.each([
  [16, 0x8877n],
  [32, 0x88776655n],
  [64, 0x8877665544332211n],
])("swapping %i bits", (bits, expected) => {
  const regs = new Int32Array([0x55667788, 0x11223344]);
  swapBytes(regs, 0, bits);
  expect((BigInt(regs[1]! >>> 0) << 32n) | BigInt(regs[0]! >>> 0)).toBe(expected);
});
