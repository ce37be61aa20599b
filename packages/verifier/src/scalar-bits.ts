import { borrowOf, carryOf } from "./halves.js";
import type { Draft, Scalar } from "./scalar.js";

/* What arithmetic leaves of known bits (Linux kernel/bpf/tnum.c), in place: the first operand's bits become the result's. */

/** All values `d + s` may have. */
export function addBits(d: Draft, s: Scalar): void {
  const valueLow = (d.valueLow + s.valueLow) | 0;
  const valueHigh = (d.valueHigh + s.valueHigh + carryOf(d.valueLow, s.valueLow)) | 0;
  const maskLow = (d.maskLow + s.maskLow) | 0;
  const maskHigh = (d.maskHigh + s.maskHigh + carryOf(d.maskLow, s.maskLow)) | 0;
  // Bits that a carry out of unknown bits may change.
  const sumLow = (maskLow + valueLow) | 0;
  const sumHigh = (maskHigh + valueHigh + carryOf(maskLow, valueLow)) | 0;
  d.maskLow |= s.maskLow | (sumLow ^ valueLow);
  d.maskHigh |= s.maskHigh | (sumHigh ^ valueHigh);
  d.valueLow = valueLow & ~d.maskLow;
  d.valueHigh = valueHigh & ~d.maskHigh;
}

/** All values `d - s` may have. */
export function subBits(d: Draft, s: Scalar): void {
  const valueLow = (d.valueLow - s.valueLow) | 0;
  const valueHigh = (d.valueHigh - s.valueHigh - borrowOf(d.valueLow, s.valueLow)) | 0;
  const mostLow = (valueLow + d.maskLow) | 0;
  const mostHigh = (valueHigh + d.maskHigh + carryOf(valueLow, d.maskLow)) | 0;
  const leastLow = (valueLow - s.maskLow) | 0;
  const leastHigh = (valueHigh - s.maskHigh - borrowOf(valueLow, s.maskLow)) | 0;
  d.maskLow |= s.maskLow | (mostLow ^ leastLow);
  d.maskHigh |= s.maskHigh | (mostHigh ^ leastHigh);
  d.valueLow = valueLow & ~d.maskLow;
  d.valueHigh = valueHigh & ~d.maskHigh;
}

/** All values `d & s` may have. */
export function andBits(d: Draft, s: Scalar): void {
  const mayHigh = (d.valueHigh | d.maskHigh) & (s.valueHigh | s.maskHigh);
  const mayLow = (d.valueLow | d.maskLow) & (s.valueLow | s.maskLow);
  d.valueHigh &= s.valueHigh;
  d.valueLow &= s.valueLow;
  d.maskHigh = mayHigh & ~d.valueHigh;
  d.maskLow = mayLow & ~d.valueLow;
}

/** All values `d | s` may have. */
export function orBits(d: Draft, s: Scalar): void {
  d.valueHigh |= s.valueHigh;
  d.valueLow |= s.valueLow;
  d.maskHigh = (d.maskHigh | s.maskHigh) & ~d.valueHigh;
  d.maskLow = (d.maskLow | s.maskLow) & ~d.valueLow;
}

/** All values `d ^ s` may have. */
export function xorBits(d: Draft, s: Scalar): void {
  d.maskHigh |= s.maskHigh;
  d.maskLow |= s.maskLow;
  d.valueHigh = (d.valueHigh ^ s.valueHigh) & ~d.maskHigh;
  d.valueLow = (d.valueLow ^ s.valueLow) & ~d.maskLow;
}

/** The smallest set of bits that holds both. */
export function uniteBits(d: Draft, s: Scalar): void {
  d.maskHigh |= s.maskHigh | (d.valueHigh ^ s.valueHigh);
  d.maskLow |= s.maskLow | (d.valueLow ^ s.valueLow);
  d.valueHigh &= s.valueHigh & ~d.maskHigh;
  d.valueLow &= s.valueLow & ~d.maskLow;
}

function setBits(d: Draft, s: Scalar): void {
  d.valueHigh = s.valueHigh;
  d.valueLow = s.valueLow;
  d.maskHigh = s.maskHigh;
  d.maskLow = s.maskLow;
}

/** Doubles: the next place of a long multiplication. */
function doubleBits(d: Draft): void {
  d.valueHigh = (d.valueHigh << 1) | (d.valueLow >>> 31);
  d.valueLow <<= 1;
  d.maskHigh = (d.maskHigh << 1) | (d.maskLow >>> 31);
  d.maskLow <<= 1;
}

/**
 * All values `d * s` may have: long multiplication, each unknown bit of `d` adding either nothing or `s`. `sum` and
 * `addend` are drafts to work in.
 */
export function multiplyBits(d: Draft, sum: Draft, addend: Draft): void {
  let { valueHigh, valueLow, maskHigh, maskLow } = d;
  sum.valueHigh = sum.valueLow = sum.maskHigh = sum.maskLow = 0;
  while ((valueHigh | valueLow | maskHigh | maskLow) !== 0) {
    if ((valueLow & 1) !== 0) addBits(sum, addend);
    else if ((maskLow & 1) !== 0) {
      setBits(d, sum);
      addBits(d, addend);
      uniteBits(sum, d);
    }
    valueLow = (valueLow >>> 1) | (valueHigh << 31);
    valueHigh >>>= 1;
    maskLow = (maskLow >>> 1) | (maskHigh << 31);
    maskHigh >>>= 1;
    doubleBits(addend);
  }
  setBits(d, sum);
}
