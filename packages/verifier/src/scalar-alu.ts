import { ADD, AND, ARSH, LSH, MUL, OR, RSH, SUB, XOR } from "./opcode.js";
import {
  type Draft,
  draft,
  forget32,
  forget64,
  isKnown,
  isKnown32,
  known,
  low32,
  max64,
  min64,
  narrow32ByBits,
  narrow64ByBits,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  type Scalar,
  setTnum,
  sync,
  U32_MAX,
  U64_MAX,
  UNKNOWN,
  ZERO,
  zeroExtend32,
} from "./scalar.js";
import {
  tnumAdd,
  tnumAnd,
  tnumArithmeticShiftRight,
  tnumCast,
  tnumMul,
  tnumOr,
  tnumRange,
  tnumShiftLeft,
  tnumShiftRight,
  tnumSub,
  tnumSubregister,
  tnumSwapBytes,
  tnumXor,
} from "./tnum.js";

const fitsS64 = (value: bigint): boolean => value >= S64_MIN && value <= S64_MAX;
const fitsS32 = (value: number): boolean => value >= S32_MIN && value <= S32_MAX;

function add32(d: Draft, s: Scalar): void {
  const smin = d.s32min + s.s32min;
  const smax = d.s32max + s.s32max;
  const fits = fitsS32(smin) && fitsS32(smax);
  d.s32min = fits ? smin : S32_MIN;
  d.s32max = fits ? smax : S32_MAX;
  const umin = d.u32min + s.u32min;
  const umax = d.u32max + s.u32max;
  // Where both ends wrap or neither does, the range stays a range.
  const exact = umin > U32_MAX || umax <= U32_MAX;
  d.u32min = exact ? umin >>> 0 : 0;
  d.u32max = exact ? umax >>> 0 : U32_MAX;
}

function add64(d: Draft, s: Scalar): void {
  const smin = d.smin + s.smin;
  const smax = d.smax + s.smax;
  const fits = fitsS64(smin) && fitsS64(smax);
  d.smin = fits ? smin : S64_MIN;
  d.smax = fits ? smax : S64_MAX;
  const umin = d.umin + s.umin;
  const umax = d.umax + s.umax;
  const exact = umin > U64_MAX || umax <= U64_MAX;
  d.umin = exact ? BigInt.asUintN(64, umin) : 0n;
  d.umax = exact ? BigInt.asUintN(64, umax) : U64_MAX;
}

function sub32(d: Draft, s: Scalar): void {
  const smin = d.s32min - s.s32max;
  const smax = d.s32max - s.s32min;
  const fits = fitsS32(smin) && fitsS32(smax);
  d.s32min = fits ? smin : S32_MIN;
  d.s32max = fits ? smax : S32_MAX;
  const umin = d.u32min - s.u32max;
  const umax = d.u32max - s.u32min;
  const exact = umin >= 0 || umax < 0;
  d.u32min = exact ? umin >>> 0 : 0;
  d.u32max = exact ? umax >>> 0 : U32_MAX;
}

function sub64(d: Draft, s: Scalar): void {
  const smin = d.smin - s.smax;
  const smax = d.smax - s.smin;
  const fits = fitsS64(smin) && fitsS64(smax);
  d.smin = fits ? smin : S64_MIN;
  d.smax = fits ? smax : S64_MAX;
  const umin = d.umin - s.umax;
  const umax = d.umax - s.umin;
  const exact = umin >= 0n || umax < 0n;
  d.umin = exact ? BigInt.asUintN(64, umin) : 0n;
  d.umax = exact ? BigInt.asUintN(64, umax) : U64_MAX;
}

function mul32(d: Draft, s: Scalar): void {
  const umax = d.u32max * s.u32max;
  if (umax > U32_MAX) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min *= s.u32min;
    d.u32max = umax;
  }
  const products = [d.s32min * s.s32min, d.s32min * s.s32max, d.s32max * s.s32min, d.s32max * s.s32max];
  const fits = products.every(fitsS32);
  d.s32min = fits ? Math.min(...products) + 0 : S32_MIN;
  d.s32max = fits ? Math.max(...products) + 0 : S32_MAX;
}

function mul64(d: Draft, s: Scalar): void {
  const umax = d.umax * s.umax;
  if (umax > U64_MAX) {
    d.umin = 0n;
    d.umax = U64_MAX;
  } else {
    d.umin *= s.umin;
    d.umax = umax;
  }
  const products = [d.smin * s.smin, d.smin * s.smax, d.smax * s.smin, d.smax * s.smax];
  const fits = products.every(fitsS64);
  d.smin = fits ? products.reduce(min64) : S64_MIN;
  d.smax = fits ? products.reduce(max64) : S64_MAX;
}

/** After a bitwise operation the unsigned ranges are set; the signed ones follow where they do not wrap. */
function signedFollowsUnsigned(d: Draft): void {
  const ordered32 = (d.u32min | 0) <= (d.u32max | 0);
  d.s32min = ordered32 ? d.u32min | 0 : S32_MIN;
  d.s32max = ordered32 ? d.u32max | 0 : S32_MAX;
  const smin = BigInt.asIntN(64, d.umin);
  const smax = BigInt.asIntN(64, d.umax);
  d.smin = smin <= smax ? smin : S64_MIN;
  d.smax = smin <= smax ? smax : S64_MAX;
}

function bitwise(d: Draft, s: Scalar, operation: number): void {
  const before = { u32min: d.u32min, u32max: d.u32max, umin: d.umin, umax: d.umax };
  setTnum(d, operation === AND ? tnumAnd(d, s) : operation === OR ? tnumOr(d, s) : tnumXor(d, s));
  const highest = d.value | d.mask;
  d.u32min = low32(d);
  d.u32max = Number(highest & 0xffff_ffffn);
  d.umin = d.value;
  d.umax = highest;
  if (operation === AND) {
    d.u32max = Math.min(before.u32max, s.u32max);
    d.umax = min64(before.umax, s.umax);
  } else if (operation === OR) {
    d.u32min = Math.max(before.u32min, s.u32min);
    d.umin = max64(before.umin, s.umin);
  }
  if (isKnown32(d)) {
    d.u32min = d.u32max = low32(d);
  }
  signedFollowsUnsigned(d);
  narrow32ByBits(d);
  narrow64ByBits(d);
}

function shiftLeft32Range(d: Draft, bits: number): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  if (bits > 31 || d.u32max > 2 ** (31 - bits)) {
    d.u32min = 0;
    d.u32max = U32_MAX;
  } else {
    d.u32min = (d.u32min << bits) >>> 0;
    d.u32max = (d.u32max << bits) >>> 0;
  }
}

function shiftLeft(d: Draft, bits: number, is32: boolean): void {
  const amount = BigInt(bits);
  if (is32) {
    shiftLeft32Range(d, bits);
    setTnum(d, tnumSubregister(tnumShiftLeft(tnumSubregister(d), amount)));
    forget64(d);
    narrow32ByBits(d);
    return;
  }
  // A shift by 32 followed by an arithmetic one back is how compilers sign-extend, so it keeps the signed range.
  d.smin = bits === 32 ? BigInt(d.s32min) << 32n : S64_MIN;
  d.smax = bits === 32 ? BigInt(d.s32max) << 32n : S64_MAX;
  if (d.umax > 1n << BigInt(63 - bits)) {
    d.umin = 0n;
    d.umax = U64_MAX;
  } else {
    d.umin <<= amount;
    d.umax <<= amount;
  }
  shiftLeft32Range(d, bits);
  setTnum(d, tnumShiftLeft(d, amount));
  narrow32ByBits(d);
  narrow64ByBits(d);
}

function shiftRight(d: Draft, bits: number, is32: boolean): void {
  const amount = BigInt(bits);
  if (is32) {
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
    setTnum(d, tnumShiftRight(tnumSubregister(d), amount));
    d.u32min >>>= bits;
    d.u32max >>>= bits;
    forget64(d);
    narrow32ByBits(d);
    return;
  }
  d.smin = S64_MIN;
  d.smax = S64_MAX;
  setTnum(d, tnumShiftRight(d, amount));
  d.umin >>= amount;
  d.umax >>= amount;
  forget32(d);
  narrow32ByBits(d);
  narrow64ByBits(d);
}

function arithmeticShiftRight(d: Draft, bits: number, is32: boolean): void {
  const amount = BigInt(bits);
  if (is32) {
    d.s32min >>= bits;
    d.s32max >>= bits;
    setTnum(d, tnumArithmeticShiftRight(tnumSubregister(d), amount, 32));
    d.u32min = 0;
    d.u32max = U32_MAX;
    forget64(d);
    narrow32ByBits(d);
    return;
  }
  d.smin >>= amount;
  d.smax >>= amount;
  setTnum(d, tnumArithmeticShiftRight(d, amount, 64));
  d.umin = 0n;
  d.umax = U64_MAX;
  forget32(d);
  narrow32ByBits(d);
  narrow64ByBits(d);
}

function compute(operation: number, a: bigint, b: bigint): bigint {
  switch (operation) {
    case ADD:
      return a + b;
    case SUB:
      return a - b;
    case MUL:
      return a * b;
    case AND:
      return a & b;
    case OR:
      return a | b;
    case XOR:
      return a ^ b;
    case LSH:
      return a << b;
    case RSH:
      return a >> b;
    default:
      return BigInt.asIntN(64, a) >> b;
  }
}

const isShift = (operation: number): boolean => operation === LSH || operation === RSH || operation === ARSH;

/** Whether the verifier follows this operation at all; division, modulo and shifts by an unknown amount it does not. */
function isTracked(operation: number, source: Scalar, is32: boolean): boolean {
  if (!isShift(operation)) return operation <= MUL || operation === AND || operation === OR || operation === XOR;
  return (is32 ? isKnown32(source) : isKnown(source)) && source.umax < (is32 ? 32n : 64n);
}

function transfer(d: Draft, source: Scalar, operation: number, is32: boolean): void {
  switch (operation) {
    case ADD:
      add32(d, source);
      add64(d, source);
      setTnum(d, tnumAdd(d, source));
      break;
    case SUB:
      sub32(d, source);
      sub64(d, source);
      setTnum(d, tnumSub(d, source));
      break;
    case MUL:
      setTnum(d, tnumMul(d, source));
      mul32(d, source);
      mul64(d, source);
      break;
    case LSH:
      shiftLeft(d, low32(source), is32);
      break;
    case RSH:
      shiftRight(d, low32(source), is32);
      break;
    case ARSH:
      arithmeticShiftRight(d, low32(source), is32);
      break;
    default:
      bitwise(d, source, operation);
  }
}

/**
 * What `destination <operation> source` leaves in the destination (Linux `adjust_scalar_min_max_vals`). A 32-bit operation
 * works on the low halves and clears the high one; what the verifier does not follow leaves nothing known.
 */
export function aluScalar(destination: Scalar, source: Scalar, operation: number, is32: boolean): Scalar {
  if (!isTracked(operation, source, is32)) return UNKNOWN;
  if (!is32 && destination.mask === 0n && source.mask === 0n) {
    return known(compute(operation, destination.value, source.value));
  }
  const d = draft(destination);
  transfer(d, source, operation, is32);
  if (is32) zeroExtend32(d);
  return sync(d);
}

/** What `-value` leaves. */
export function negateScalar(value: Scalar, is32: boolean): Scalar {
  return aluScalar(ZERO, value, SUB, is32);
}

/** Adds a constant that must not wrap ranges of a pointer's offset or a linked scalar: no 32-bit zero extension, no sync. */
export function addWithoutSync(value: Scalar, addend: Scalar): Draft {
  const d = draft(value);
  add32(d, addend);
  add64(d, addend);
  setTnum(d, tnumAdd(value, addend));
  return d;
}

/** The low 32 bits, zero-extended: what a 32-bit move leaves. */
export function truncate32(value: Scalar): Scalar {
  if (value.mask === 0n) return known(value.value & 0xffff_ffffn);
  const d = draft(value);
  zeroExtend32(d);
  return sync(d);
}

/** The low `size` bytes in reverse: only what is known of single bits survives. */
export function swapScalar(value: Scalar, size: number): Scalar {
  const d = draft(UNKNOWN);
  setTnum(d, tnumSwapBytes(value, size));
  return sync(d);
}

/** The low `size` bytes, zero-extended: what a load of that size leaves of a known slot. */
export function truncate(value: Scalar, size: number): Scalar {
  if (value === UNKNOWN && size < 8) return ZERO_EXTENDED[size]!;
  const d = draft(value);
  const mask = (1n << BigInt(size * 8)) - 1n;
  setTnum(d, tnumCast(d, size));
  const sameHigh = (d.umin & ~mask) === (d.umax & ~mask);
  d.umin = sameHigh ? d.umin & mask : 0n;
  d.umax = sameHigh ? d.umax & mask : mask;
  d.smin = d.umin;
  d.smax = d.umax;
  if (size < 4) forget32(d);
  return sync(d);
}

function computeTruncated(size: number): Scalar {
  const d = draft(UNKNOWN);
  setTnum(d, tnumCast(d, size));
  d.umin = d.smin = 0n;
  d.umax = d.smax = (1n << BigInt(size * 8)) - 1n;
  return sync(d);
}

/** Unknown values of 1, 2 and 4 bytes: what most loads leave. */
const ZERO_EXTENDED: Readonly<Record<number, Scalar>> = {
  1: computeTruncated(1),
  2: computeTruncated(2),
  4: computeTruncated(4),
};

/** The low `size` bytes, sign-extended to 64 bits (or to 32 and then zero-extended). */
export function signExtend(value: Scalar, size: number, is32: boolean): Scalar {
  const bits = size * 8;
  if (value.mask === 0n) {
    const extended = BigInt.asIntN(bits, value.value);
    return known(is32 ? BigInt.asUintN(32, extended) : extended);
  }
  const d = draft(UNKNOWN);
  const low = is32 ? BigInt(value.s32min) : value.smin;
  const high = is32 ? BigInt(value.s32max) : value.smax;
  const min = BigInt.asIntN(bits, low);
  const max = BigInt.asIntN(bits, high);
  const sameBlock = low >> BigInt(bits) === high >> BigInt(bits);
  if (sameBlock && min >= 0n === max >= 0n && min <= max) setSigned(d, min, max);
  else setSigned(d, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n);
  if (is32) zeroExtend32(d);
  return sync(d);
}

function setSigned(d: Draft, min: bigint, max: bigint): void {
  d.smin = min;
  d.smax = max;
  d.s32min = Number(BigInt.asIntN(32, min));
  d.s32max = Number(BigInt.asIntN(32, max));
  if (min >= 0n === max >= 0n) {
    d.umin = BigInt.asUintN(64, min);
    d.umax = BigInt.asUintN(64, max);
    d.u32min = d.s32min >>> 0;
    d.u32max = d.s32max >>> 0;
    setTnum(d, tnumRange(d.umin, d.umax));
  }
}

/** A known scalar from the immediate of an instruction, sign-extended (or zero-extended from 32 bits). */
export function immediateScalar(imm: number, is32: boolean): Scalar {
  return known(BigInt(is32 ? imm >>> 0 : imm));
}
