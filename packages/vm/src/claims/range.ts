import type { RegisterFact } from "@bpfkit/verifier";

/** The ranges and bits of a fact as 32-bit halves, in which registers lie, for these are compared at every instruction. */
export interface Range {
  readonly uminLow: number;
  readonly uminHigh: number;
  readonly umaxLow: number;
  readonly umaxHigh: number;
  readonly sminLow: number;
  readonly sminHigh: number;
  readonly smaxLow: number;
  readonly smaxHigh: number;
  readonly maskLow: number;
  readonly maskHigh: number;
  readonly bitsLow: number;
  readonly bitsHigh: number;
}

type Claimed = Pick<RegisterFact, "umin" | "umax" | "smin" | "smax" | "knownMask" | "knownBits">;

const U64_MAX = (1n << 64n) - 1n;
const S64_MAX = U64_MAX >> 1n;

const low = (value: bigint): number => Number(value & 0xffff_ffffn);
const highUnsigned = (value: bigint): number => Number((value >> 32n) & 0xffff_ffffn);
const highSigned = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));

/** Undefined where every number is in it. */
export function rangeOf({ umin, umax, smin, smax, knownMask, knownBits }: Claimed): Range | undefined {
  if (umin === 0n && umax === U64_MAX && smax === S64_MAX && smin < -S64_MAX && knownMask === 0n) return undefined;
  return {
    uminLow: low(umin),
    uminHigh: highUnsigned(umin),
    umaxLow: low(umax),
    umaxHigh: highUnsigned(umax),
    sminLow: low(smin),
    sminHigh: highSigned(smin),
    smaxLow: low(smax),
    smaxHigh: highSigned(smax),
    maskLow: low(knownMask) | 0,
    maskHigh: highUnsigned(knownMask) | 0,
    bitsLow: low(knownBits) | 0,
    bitsHigh: highUnsigned(knownBits) | 0,
  };
}

/** Whether a number, given as signed halves, is in a range, and its known bits are as they are said to be. */
export function isIn(range: Range, valueLow: number, valueHigh: number): boolean {
  const uLow = valueLow >>> 0;
  const uHigh = valueHigh >>> 0;
  return (
    (uHigh > range.uminHigh || (uHigh === range.uminHigh && uLow >= range.uminLow)) &&
    (uHigh < range.umaxHigh || (uHigh === range.umaxHigh && uLow <= range.umaxLow)) &&
    (valueHigh > range.sminHigh || (valueHigh === range.sminHigh && uLow >= range.sminLow)) &&
    (valueHigh < range.smaxHigh || (valueHigh === range.smaxHigh && uLow <= range.smaxLow)) &&
    (valueLow & range.maskLow) === range.bitsLow &&
    (valueHigh & range.maskHigh) === range.bitsHigh
  );
}
