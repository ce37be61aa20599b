/*
 * Arithmetic of RFC 9669 §4.1 and §4.2 on registers as two 32-bit halves: `regs[dst]` low, `regs[dst + 1]` high.
 * Division by zero gives 0 and modulo by zero the dividend (§4.1).
 */

const TWO_32 = 4294967296;

/** dst *= other, 64 bits. */
export function multiply64(regs: Int32Array, dst: number, low: number, high: number): void {
  const a = regs[dst]!;
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = low & 0xffff;
  const b1 = low >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const carry = (middle & 0xffff) + a0 * b1;
  const upper = a1 * b1 + (middle >>> 16) + (carry >>> 16);
  regs[dst + 1] = upper + Math.imul(regs[dst + 1]!, low) + Math.imul(a, high);
  regs[dst] = Math.imul(a, low);
}

export const divide32 = (a: number, b: number): number => (b === 0 ? 0 : (a >>> 0) / (b >>> 0));
export const modulo32 = (a: number, b: number): number => (b === 0 ? a : (a >>> 0) % (b >>> 0));
export const divideSigned32 = (a: number, b: number): number => (b === 0 ? 0 : a / b);
export const moduloSigned32 = (a: number, b: number): number => (b === 0 ? a : a % b);

/** The quotient's and remainder's halves, filled by `divideUnsigned`: low, high, low, high. */
const result = new Int32Array(4);

/** Unsigned 64-bit division into `result`; the divisor is not 0. */
function divideUnsigned(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  if (aHigh === 0 && bHigh === 0) {
    result[0] = (aLow >>> 0) / (bLow >>> 0);
    result[1] = 0;
    result[2] = (aLow >>> 0) % (bLow >>> 0);
    result[3] = 0;
  } else if (aHigh >>> 0 < 0x20_0000 && bHigh >>> 0 < 0x20_0000) divideExact(aLow, aHigh, bLow, bHigh);
  else if (bHigh === 0) divideByDigits(aLow, aHigh, bLow >>> 0);
  else divideLong(aLow, aHigh, bLow, bHigh);
}

/** A divisor below 2^32: digits of 16 bits, so that every step is below 2^48 and exact in doubles. */
function divideByDigits(aLow: number, aHigh: number, b: number): void {
  let remainder = (aHigh >>> 0) % b;
  result[1] = (aHigh >>> 0) / b;
  let step = remainder * 65536 + (aLow >>> 16);
  remainder = step % b;
  const upper = (step - remainder) / b;
  step = remainder * 65536 + (aLow & 0xffff);
  remainder = step % b;
  result[0] = upper * 65536 + (step - remainder) / b;
  result[2] = remainder;
  result[3] = 0;
}

/** Both below 2^53, where doubles are exact and the remainder is too. */
function divideExact(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  const a = (aHigh >>> 0) * TWO_32 + (aLow >>> 0);
  const b = (bHigh >>> 0) * TWO_32 + (bLow >>> 0);
  const remainder = a % b;
  const quotient = (a - remainder) / b;
  result[0] = quotient;
  result[1] = quotient / TWO_32;
  result[2] = remainder;
  result[3] = remainder / TWO_32;
}

/** Shift and subtract: rare, and unlike bigint it allocates nothing. */
function divideLong(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  let [low, high, remainderLow, remainderHigh] = [aLow, aHigh, 0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const overflow = remainderHigh < 0;
    remainderHigh = (remainderHigh << 1) | (remainderLow >>> 31);
    remainderLow = (remainderLow << 1) | (high >>> 31);
    high = (high << 1) | (low >>> 31);
    low <<= 1;
    if (overflow || !isBelow(remainderLow, remainderHigh, bLow, bHigh)) {
      const borrow = remainderLow >>> 0 < bLow >>> 0 ? 1 : 0;
      remainderLow = (remainderLow - bLow) | 0;
      remainderHigh = (remainderHigh - bHigh - borrow) | 0;
      low |= 1;
    }
  }
  result[0] = low;
  result[1] = high;
  result[2] = remainderLow;
  result[3] = remainderHigh;
}

function isBelow(aLow: number, aHigh: number, bLow: number, bHigh: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh >>> 0 < bHigh >>> 0;
}

/** Stores two halves, negated where asked. */
function store(regs: Int32Array, dst: number, low: number, high: number, negate: boolean): void {
  regs[dst] = negate ? -low : low;
  regs[dst + 1] = negate ? (low === 0 ? -high : ~high) : high;
}

/** dst /= other, unsigned 64 bits. */
export function divide64(regs: Int32Array, dst: number, low: number, high: number): void {
  if ((low | high) === 0) result.fill(0);
  else divideUnsigned(regs[dst]!, regs[dst + 1]!, low, high);
  store(regs, dst, result[0]!, result[1]!, false);
}

/** dst %= other, unsigned 64 bits. */
export function modulo64(regs: Int32Array, dst: number, low: number, high: number): void {
  if ((low | high) === 0) return;
  divideUnsigned(regs[dst]!, regs[dst + 1]!, low, high);
  store(regs, dst, result[2]!, result[3]!, false);
}

/** Divides the magnitudes of two signed 64-bit numbers into `result`. */
function divideMagnitudes(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  const [a, b] = [aHigh < 0, bHigh < 0];
  divideUnsigned(
    a ? -aLow | 0 : aLow,
    a ? (aLow === 0 ? -aHigh | 0 : ~aHigh) : aHigh,
    b ? -bLow | 0 : bLow,
    b ? (bLow === 0 ? -bHigh | 0 : ~bHigh) : bHigh,
  );
}

/** dst s/= other: truncated towards zero; the least number divided by -1 is itself. */
export function divideSigned64(regs: Int32Array, dst: number, low: number, high: number): void {
  const aHigh = regs[dst + 1]!;
  if ((low | high) === 0) result.fill(0);
  else divideMagnitudes(regs[dst]!, aHigh, low, high);
  store(regs, dst, result[0]!, result[1]!, aHigh < 0 !== high < 0);
}

/** dst s%= other: the sign is the dividend's. */
export function moduloSigned64(regs: Int32Array, dst: number, low: number, high: number): void {
  if ((low | high) === 0) return;
  const aHigh = regs[dst + 1]!;
  divideMagnitudes(regs[dst]!, aHigh, low, high);
  store(regs, dst, result[2]!, result[3]!, aHigh < 0);
}

const swap32 = (value: number): number =>
  (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);

/** dst = its low `bits` with the bytes in reverse, zero-extended (`be16`–`be64`, `bswap16`–`bswap64`). */
export function swapBytes(regs: Int32Array, dst: number, bits: number): void {
  const low = regs[dst]!;
  const high = regs[dst + 1]!;
  regs[dst + 1] = bits === 64 ? swap32(low) : 0;
  regs[dst] = bits === 64 ? swap32(high) : bits === 32 ? swap32(low) : swap32(low) >>> 16;
}

/** dst = its low `bits`, zero-extended (`le16`–`le64` on a little-endian machine). */
export function truncate(regs: Int32Array, dst: number, bits: number): void {
  if (bits === 64) return;
  if (bits === 16) regs[dst] = regs[dst]! & 0xffff;
  regs[dst + 1] = 0;
}
