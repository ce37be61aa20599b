import type { Row } from "@bpfkit/isa";
import { constant, constantOf, movePointer, type Numbers, numbers, type Value } from "./value.js";

const WORD = 2 ** 32;

/** The low 32 bits of a value, zero-extended, as a 32-bit operation leaves them. */
function low32(value: Value): Value {
  if (value?.kind !== "number") return numbers(0, WORD - 1);
  if (value.min >= 0 && value.max < WORD) return value;
  const fixed = constantOf(value);
  return fixed === undefined ? numbers(0, WORD - 1) : constant(Number(BigInt.asUintN(32, BigInt(fixed))));
}

/** A signed 64-bit result, where it is a safe integer. */
function fromBig(value: bigint, width: number): Value {
  return constant(Number(width === 32 ? BigInt.asUintN(32, value) : BigInt.asIntN(64, value)));
}

type Exact = (a: bigint, b: bigint, width: number) => bigint;

const unsigned = (value: bigint, width: number): bigint => BigInt.asUintN(width, value);
const signed = (value: bigint, width: number): bigint => BigInt.asIntN(width, value);
const shift = (by: bigint, width: number): bigint => by & BigInt(width - 1);

/** Two known numbers (RFC 9669 §4.1: division by 0 gives 0, the remainder by 0 the dividend). */
const EXACT: Partial<Record<Row["operation"], Exact>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b, width) => (unsigned(b, width) === 0n ? 0n : unsigned(a, width) / unsigned(b, width)),
  mod: (a, b, width) => (unsigned(b, width) === 0n ? a : unsigned(a, width) % unsigned(b, width)),
  sdiv: (a, b, width) => (signed(b, width) === 0n ? 0n : signed(a, width) / signed(b, width)),
  smod: (a, b, width) => (signed(b, width) === 0n ? a : signed(a, width) % signed(b, width)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  xor: (a, b) => a ^ b,
  lsh: (a, b, width) => a << shift(b, width),
  rsh: (a, b, width) => unsigned(a, width) >> shift(b, width),
  arsh: (a, b, width) => signed(a, width) >> shift(b, width),
};

/** Two ranges, where the operation keeps them in order. */
function ranges(operation: Row["operation"], a: Value, b: Value): Value {
  const right = b?.kind === "number" ? b : undefined;
  const left = a?.kind === "number" ? a : undefined;
  const fixed = constantOf(b);
  if (operation === "and" && fixed !== undefined && fixed >= 0) {
    return numbers(0, left !== undefined && left.min >= 0 ? Math.min(left.max, fixed) : fixed);
  }
  if (operation === "mod" && fixed !== undefined && fixed > 0) return numbers(0, fixed - 1);
  if (left === undefined || right === undefined) return undefined;
  return orderedRanges(operation, left, right);
}

function orderedRanges(operation: Row["operation"], a: Numbers, b: Numbers): Value {
  const fixed = b.min === b.max ? b.min : undefined;
  if (operation === "add") return numbers(a.min + b.min, a.max + b.max);
  if (operation === "sub") return numbers(a.min - b.max, a.max - b.min);
  if (fixed === undefined || fixed < 0 || a.min < 0) return undefined;
  if (operation === "mul") return numbers(a.min * fixed, a.max * fixed);
  if (operation === "lsh" && fixed < 32) return numbers(a.min * 2 ** fixed, a.max * 2 ** fixed);
  if (operation === "rsh" && fixed < 32) return numbers(Math.floor(a.min / 2 ** fixed), Math.floor(a.max / 2 ** fixed));
  if (operation === "div" && fixed > 0) return numbers(Math.floor(a.min / fixed), Math.floor(a.max / fixed));
  return undefined;
}

/** What an arithmetic instruction leaves in its destination. */
export function compute({ operation, width, from }: Row, a: Value, b: Value): Value {
  if (operation === "mov") return width === 32 ? low32(b) : b;
  if (operation === "movsx") return signExtend(b, from!, width!);
  if (width === 64 && (operation === "add" || operation === "sub")) {
    if (a?.kind === "stack") return movePointer(a, b, operation === "add" ? 1 : -1);
    if (b?.kind === "stack" && operation === "add") return movePointer(b, a, 1);
  }
  const left = width === 32 ? low32(a) : a;
  const right = width === 32 ? low32(b) : b;
  const [x, y] = [constantOf(left), constantOf(right)];
  const exact = EXACT[operation];
  if (operation === "neg" && x !== undefined) return fromBig(-BigInt(x), width!);
  if (exact !== undefined && x !== undefined && y !== undefined) {
    return fromBig(exact(BigInt(x), BigInt(y), width!), width!);
  }
  const result = ranges(operation, left, right);
  return width === 32 ? low32(result) : result;
}

function signExtend(value: Value, from: number, width: number): Value {
  const fixed = constantOf(value);
  return fixed === undefined ? undefined : fromBig(BigInt.asIntN(from, BigInt(fixed)), width);
}
