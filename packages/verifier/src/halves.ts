/*
 * 64-bit numbers as two 32-bit halves, both signed, as JavaScript's bit operations make them: what is computed at every
 * instruction is computed so, because big integers are made anew by every operation.
 */

/** Whether `a < b`, unsigned. */
export function isBelow(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh >>> 0 < bHigh >>> 0;
}

/** Whether `a < b`, signed. */
export function isLess(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh < bHigh;
}

export const unsignedOf = (high: number, low: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
export const signedOf = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low >>> 0);

const LOW = 0xffff_ffffn;

/**
 * The halves of the low 64 bits of a number. Not by `BigInt.asIntN`: with it, where `value` comes from two branches, V8's
 * compiler in Node 20 fails for good, with a RepresentationChangerError that nothing catches.
 */
export const highOf = (value: bigint): number => Number((value >> 32n) & LOW) | 0;
export const lowOf = (value: bigint): number => Number(value & LOW) | 0;

/** As an ordinary number: exact below 2^53, rounded beyond, which is good enough to be compared with small bounds. */
export const signedNumber = (high: number, low: number): number => high * 0x1_0000_0000 + (low >>> 0);
export const unsignedNumber = (high: number, low: number): number => (high >>> 0) * 0x1_0000_0000 + (low >>> 0);

/** The high half of a whole number below 2^53; `| 0` gives the low one. */
export const highOfNumber = (value: number): number => Math.floor(value / 0x1_0000_0000) | 0;

/** What is carried from the sum of two low halves. */
export const carryOf = (aLow: number, bLow: number): number => ((aLow >>> 0) + (bLow >>> 0) > 0xffff_ffff ? 1 : 0);
/** What is borrowed for the difference of two low halves. */
export const borrowOf = (aLow: number, bLow: number): number => (aLow >>> 0 < bLow >>> 0 ? 1 : 0);

/** High halves after a shift by 0 to 63. */
export function shiftLeftHigh(high: number, low: number, bits: number): number {
  if (bits === 0) return high;
  return bits < 32 ? (high << bits) | (low >>> (32 - bits)) : low << (bits - 32);
}
export const shiftLeftLow = (low: number, bits: number): number => (bits < 32 ? low << bits : 0);

/** Low halves after a shift right by 0 to 63; the high half comes in. */
export function shiftRightLow(high: number, low: number, bits: number): number {
  if (bits === 0) return low;
  return bits < 32 ? (low >>> bits) | (high << (32 - bits)) : (high >>> (bits - 32)) | 0;
}
export const shiftRightHigh = (high: number, bits: number): number => (bits < 32 ? (high >>> bits) | 0 : 0);

/** The same with the sign coming in. */
export function signedShiftRightLow(high: number, low: number, bits: number): number {
  return bits < 32 ? shiftRightLow(high, low, bits) : high >> (bits - 32);
}
export const signedShiftRightHigh = (high: number, bits: number): number => high >> Math.min(bits, 31);

/** The high half of the product of two unsigned 32-bit numbers. */
export function productHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const rest = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x1_0000) + Math.floor(rest / 0x1_0000)) | 0;
}
