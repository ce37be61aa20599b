import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as op from "../src/opcode.js";
import { contains, draft, known, type Scalar, setTnum, UNKNOWN } from "../src/scalar.js";
import { aluScalar, negateScalar, signExtend, truncate, truncate32 } from "../src/scalar-alu.js";
import { refine, reverse, scalarBranchTaken } from "../src/scalar-branch.js";
import { sync } from "../src/scalar-sync.js";
import { tnumSwapBytes } from "../src/tnum.js";

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const min64 = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max64 = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Whether a scalar's claims hold for one value. */
const holds = (scalar: Scalar, value: bigint): boolean => contains(scalar, known(value));

/** A scalar for every value from `low` to `high`, signed. */
function range(low: bigint, high: bigint): Scalar {
  const d = draft(UNKNOWN);
  d.smin = low;
  d.smax = high;
  return sync(d);
}

const SMALL: readonly { readonly scalar: Scalar; readonly values: readonly bigint[] }[] = [];
for (let low = -4n; low < 4n; low++) {
  for (let high = low; high < 4n; high++) {
    const values: bigint[] = [];
    for (let value = low; value <= high; value++) values.push(u64(value));
    (SMALL as { scalar: Scalar; values: bigint[] }[]).push({ scalar: range(low, high), values });
  }
}

/** What the machine does (RFC 9669 §4.1); shift amounts are masked. */
function machine(operation: number, a: bigint, b: bigint, is32: boolean): bigint {
  const bits = is32 ? 32 : 64;
  const left = BigInt.asUintN(bits, a);
  const right = BigInt.asUintN(bits, b);
  const amount = right & BigInt(bits - 1);
  const table: Readonly<Record<number, () => bigint>> = {
    [op.ADD]: () => left + right,
    [op.SUB]: () => left - right,
    [op.MUL]: () => left * right,
    [op.OR]: () => left | right,
    [op.AND]: () => left & right,
    [op.XOR]: () => left ^ right,
    [op.LSH]: () => left << amount,
    [op.RSH]: () => left >> amount,
    [op.ARSH]: () => BigInt.asIntN(bits, left) >> amount,
    [op.DIV]: () => (right === 0n ? 0n : left / right),
    [op.MOD]: () => (right === 0n ? left : left % right),
  };
  return BigInt.asUintN(bits, table[operation]!());
}

const OPERATIONS = [op.ADD, op.SUB, op.MUL, op.OR, op.AND, op.XOR, op.LSH, op.RSH, op.ARSH, op.DIV, op.MOD] as const;

function compare(operation: number, a: bigint, b: bigint, is32: boolean): boolean {
  const bits = is32 ? 32 : 64;
  const [ua, ub] = [BigInt.asUintN(bits, a), BigInt.asUintN(bits, b)];
  const [sa, sb] = [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)];
  const table: Readonly<Record<number, boolean>> = {
    [op.JEQ]: ua === ub,
    [op.JNE]: ua !== ub,
    [op.JGT]: ua > ub,
    [op.JGE]: ua >= ub,
    [op.JLT]: ua < ub,
    [op.JLE]: ua <= ub,
    [op.JSGT]: sa > sb,
    [op.JSGE]: sa >= sb,
    [op.JSLT]: sa < sb,
    [op.JSLE]: sa <= sb,
    [op.JSET]: (ua & ub) !== 0n,
  };
  return table[operation]!;
}

const CONDITIONS = [
  op.JEQ,
  op.JNE,
  op.JGT,
  op.JGE,
  op.JLT,
  op.JLE,
  op.JSGT,
  op.JSGE,
  op.JSLT,
  op.JSLE,
  op.JSET,
] as const;

describe("every range of three bits", () => {
  test.each(OPERATIONS.flatMap((operation) => [true, false].map((is32) => ({ operation, is32 }))))(
    "operation $operation, 32 bits: $is32",
    ({ operation, is32 }) => {
      for (const a of SMALL) {
        for (const b of SMALL) {
          const result = aluScalar(a.scalar, b.scalar, operation, is32);
          const wrong = a.values.some((x) => b.values.some((y) => !holds(result, machine(operation, x, y, is32))));
          if (wrong) expect.fail(`${a.values} with ${b.values}`);
        }
      }
    },
  );

  test.each(CONDITIONS.flatMap((condition) => [true, false].map((is32) => ({ condition, is32 }))))(
    "condition $condition, 32 bits: $is32",
    ({ condition, is32 }) => {
      for (const a of SMALL) {
        for (const b of SMALL) {
          const taken = scalarBranchTaken(a.scalar, b.scalar, condition, is32);
          const yes = refine(a.scalar, b.scalar, condition, is32);
          const no = refine(a.scalar, b.scalar, reverse(condition), is32);
          for (const x of a.values) {
            for (const y of b.values) {
              const is = compare(condition, x, y, is32);
              const [left, right] = is ? yes : no;
              if ((taken ?? is) !== is || !holds(left, x) || !holds(right, y)) expect.fail(`${x} with ${y}`);
            }
          }
        }
      }
    },
  );
});

/** Values near where ranges break. */
const value = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc
    .tuple(fc.integer({ min: 0, max: 64 }), fc.integer({ min: -3, max: 3 }))
    .map(([bits, off]) => u64((1n << BigInt(bits)) + BigInt(off))),
);

/** A scalar that holds for all of some values, no tighter than sync makes it. */
const scalarWith = fc
  .tuple(value, value, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.integer({ min: 0, max: 3 }))
  .map(([a, b, mask, kind]) => {
    const d = draft(UNKNOWN);
    if (kind === 0) {
      d.umin = min64(a, b);
      d.umax = max64(a, b);
      return { scalar: sync(d), values: [a, b] };
    }
    if (kind === 1) {
      d.smin = min64(s64(a), s64(b));
      d.smax = max64(s64(a), s64(b));
      return { scalar: sync(d), values: [a, b] };
    }
    if (kind === 2) {
      setTnum(d, { value: a & ~mask, mask });
      return { scalar: sync(d), values: [a, (a & ~mask) | (b & mask)] };
    }
    return { scalar: known(a), values: [a] };
  });

describe("64 bits", () => {
  test("arithmetic keeps every value", () => {
    fc.assert(
      fc.property(scalarWith, scalarWith, fc.constantFrom(...OPERATIONS), fc.boolean(), (a, b, operation, is32) => {
        const result = aluScalar(a.scalar, b.scalar, operation, is32);
        return a.values.every((x) => b.values.every((y) => holds(result, machine(operation, x, y, is32))));
      }),
      { numRuns: 4000 },
    );
  });

  test("comparisons keep every value on its branch", () => {
    fc.assert(
      fc.property(scalarWith, scalarWith, fc.constantFrom(...CONDITIONS), fc.boolean(), (a, b, condition, is32) => {
        const taken = scalarBranchTaken(a.scalar, b.scalar, condition, is32);
        return a.values.every((x) =>
          b.values.every((y) => {
            const is = compare(condition, x, y, is32);
            const [left, right] = refine(a.scalar, b.scalar, is ? condition : reverse(condition), is32);
            return (taken ?? is) === is && holds(left, x) && holds(right, y);
          }),
        );
      }),
      { numRuns: 4000 },
    );
  });

  test("moves, extensions and negation keep every value", () => {
    fc.assert(
      fc.property(scalarWith, ({ scalar, values }) =>
        values.every(
          (x) =>
            holds(truncate32(scalar), x & 0xffff_ffffn) &&
            holds(negateScalar(scalar, false), u64(-x)) &&
            holds(negateScalar(scalar, true), BigInt.asUintN(32, -x)) &&
            [1, 2, 4].every(
              (size) =>
                holds(truncate(scalar, size), BigInt.asUintN(size * 8, x)) &&
                holds(signExtend(scalar, size, false), u64(BigInt.asIntN(size * 8, x))) &&
                holds(signExtend(scalar, size, true), BigInt.asUintN(32, BigInt.asIntN(size * 8, x))),
            ),
        ),
      ),
      { numRuns: 4000 },
    );
  });

  test("sync is stable", () => {
    fc.assert(
      fc.property(scalarWith, ({ scalar }) => {
        const again = sync(draft(scalar));
        return contains(scalar, again);
      }),
    );
  });
});

test.each([
  ["be16 of 0 to 255", { value: 0n, mask: 0xffn }, 2, { value: 0n, mask: 0xff00n }],
  ["bswap32 of 0x1234", { value: 0x1234n, mask: 0n }, 4, { value: 0x3412_0000n, mask: 0n }],
  ["bswap64 of 0xff000000", { value: 0n, mask: 0xff00_0000n }, 8, { value: 0n, mask: 0xff_0000_0000n }],
])("%s keeps what is known of bits", (_, bits, size, expected) => {
  expect(tnumSwapBytes(bits, size)).toEqual(expected);
});
