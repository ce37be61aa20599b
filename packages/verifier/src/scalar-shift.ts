import {
  isBelow,
  shiftLeftHigh,
  shiftLeftLow,
  shiftRightHigh,
  shiftRightLow,
  signedShiftRightHigh,
  signedShiftRightLow,
} from "./halves.js";
import { LSH, RSH } from "./opcode.js";
import {
  type Draft,
  forget32,
  forget64,
  forgetSigned64,
  forgetUnsigned64,
  S32_MAX,
  S32_MIN,
  setSigned64,
  setUnsigned64,
} from "./scalar.js";
import { narrow32ByBits, narrow64ByBits } from "./scalar-sync.js";

function shiftLeft32Range(d: Draft, bits: number): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  const fits = bits <= 31 && d.u32max <= 2 ** (31 - bits);
  d.u32minBits = fits ? d.u32minBits << bits : 0;
  d.u32maxBits = fits ? d.u32maxBits << bits : -1;
}

function shiftLeft32(d: Draft, bits: number): void {
  shiftLeft32Range(d, bits);
  d.valueHigh = d.maskHigh = 0;
  d.valueLow <<= bits;
  d.maskLow <<= bits;
  forget64(d);
  narrow32ByBits(d);
}

function shiftLeft64(d: Draft, bits: number): void {
  // A shift by 32 followed by an arithmetic one back is how compilers sign-extend, so it keeps the signed range.
  if (bits === 32) setSigned64(d, d.s32min, 0, d.s32max, 0);
  else forgetSigned64(d);
  const topHigh = shiftLeftHigh(0, 1, 63 - bits);
  const topLow = shiftLeftLow(1, 63 - bits);
  if (isBelow(topHigh, topLow, d.umaxHigh, d.umaxLow)) forgetUnsigned64(d);
  else {
    const uminHigh = shiftLeftHigh(d.uminHigh, d.uminLow, bits);
    const umaxHigh = shiftLeftHigh(d.umaxHigh, d.umaxLow, bits);
    setUnsigned64(d, uminHigh, shiftLeftLow(d.uminLow, bits), umaxHigh, shiftLeftLow(d.umaxLow, bits));
  }
  shiftLeft32Range(d, bits);
  d.valueHigh = shiftLeftHigh(d.valueHigh, d.valueLow, bits);
  d.valueLow = shiftLeftLow(d.valueLow, bits);
  d.maskHigh = shiftLeftHigh(d.maskHigh, d.maskLow, bits);
  d.maskLow = shiftLeftLow(d.maskLow, bits);
  narrow32ByBits(d);
  narrow64ByBits(d);
}

function shiftRight32(d: Draft, bits: number): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  d.valueHigh = d.maskHigh = 0;
  d.valueLow = (d.valueLow >>> bits) | 0;
  d.maskLow = (d.maskLow >>> bits) | 0;
  d.u32min >>>= bits;
  d.u32max >>>= bits;
  forget64(d);
  narrow32ByBits(d);
}

function shiftRight64(d: Draft, bits: number): void {
  forgetSigned64(d);
  d.valueLow = shiftRightLow(d.valueHigh, d.valueLow, bits);
  d.valueHigh = shiftRightHigh(d.valueHigh, bits);
  d.maskLow = shiftRightLow(d.maskHigh, d.maskLow, bits);
  d.maskHigh = shiftRightHigh(d.maskHigh, bits);
  const uminLow = shiftRightLow(d.uminHigh, d.uminLow, bits);
  const umaxLow = shiftRightLow(d.umaxHigh, d.umaxLow, bits);
  setUnsigned64(d, shiftRightHigh(d.uminHigh, bits), uminLow, shiftRightHigh(d.umaxHigh, bits), umaxLow);
  forget32(d);
  narrow32ByBits(d);
  narrow64ByBits(d);
}

function arithmeticShiftRight32(d: Draft, bits: number): void {
  d.s32min >>= bits;
  d.s32max >>= bits;
  d.valueHigh = d.maskHigh = 0;
  d.valueLow >>= bits;
  d.maskLow >>= bits;
  d.u32minBits = 0;
  d.u32maxBits = -1;
  forget64(d);
  narrow32ByBits(d);
}

function arithmeticShiftRight64(d: Draft, bits: number): void {
  const sminLow = signedShiftRightLow(d.sminHigh, d.sminLow, bits);
  const smaxLow = signedShiftRightLow(d.smaxHigh, d.smaxLow, bits);
  setSigned64(d, signedShiftRightHigh(d.sminHigh, bits), sminLow, signedShiftRightHigh(d.smaxHigh, bits), smaxLow);
  d.valueLow = signedShiftRightLow(d.valueHigh, d.valueLow, bits);
  d.valueHigh = signedShiftRightHigh(d.valueHigh, bits);
  d.maskLow = signedShiftRightLow(d.maskHigh, d.maskLow, bits);
  d.maskHigh = signedShiftRightHigh(d.maskHigh, bits);
  forgetUnsigned64(d);
  forget32(d);
  narrow32ByBits(d);
  narrow64ByBits(d);
}

/** A shift by a known amount. */
export function shift(d: Draft, bits: number, operation: number, is32: boolean): void {
  if (operation === LSH) {
    if (is32) shiftLeft32(d, bits);
    else shiftLeft64(d, bits);
  } else if (operation === RSH) {
    if (is32) shiftRight32(d, bits);
    else shiftRight64(d, bits);
  } else if (is32) arithmeticShiftRight32(d, bits);
  else arithmeticShiftRight64(d, bits);
}
