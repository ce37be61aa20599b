import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as op from "../src/opcode.js";
import { contains, draft, known, type Scalar, setTnum, UNKNOWN } from "../src/scalar.js";
import {
  addWithoutSync,
  aluScalar,
  negateScalar,
  signExtend,
  swapScalar,
  truncate,
  truncate32,
} from "../src/scalar-alu.js";
import { refine, refineSelf, reverse, scalarBranchTaken } from "../src/scalar-branch.js";
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

/** A scalar with all its values, or (where its high half is unknown) with some of each. */
interface Sample {
  readonly scalar: Scalar;
  readonly values: readonly bigint[];
}

/** Every range of three bits around a number, as `make` sets it. */
function rangesAround(centre: bigint, make: (low: bigint, high: bigint) => Scalar): Sample[] {
  const samples: Sample[] = [];
  for (let low = -4n; low < 4n; low++) {
    for (let high = low; high < 4n; high++) {
      const values: bigint[] = [];
      for (let value = low; value <= high; value++) values.push(u64(centre + value));
      samples.push({ scalar: make(centre + low, centre + high), values });
    }
  }
  return samples;
}

function unsigned(low: bigint, high: bigint): Scalar {
  const d = draft(UNKNOWN);
  d.umin = low;
  d.umax = high;
  return sync(d);
}

/** Every set of known bits among the lowest three and the sign, over 64 bits. */
function bits(): Sample[] {
  const places = [1n, 2n, 4n, 1n << 63n];
  const samples: Sample[] = [];
  for (let kinds = 0; kinds < 3 ** places.length; kinds++) {
    const kind = places.map((_, index) => Math.floor(kinds / 3 ** index) % 3);
    const value = places.reduce((sum, place, index) => (kind[index] === 1 ? sum | place : sum), 0n);
    const unknown = places.filter((_, index) => kind[index] === 2);
    let values = [value];
    for (const place of unknown) values = [...values, ...values.map((one) => one | place)];
    const d = draft(UNKNOWN);
    setTnum(d, { value, mask: unknown.reduce((sum, place) => sum | place, 0n) });
    samples.push({ scalar: sync(d), values });
  }
  return samples;
}

/** Ranges of the low half alone, signed or not; the high half may be anything, of which some are tried. */
function lowRanges(isSigned: boolean): Sample[] {
  const centre = isSigned ? 0n : 1n << 31n;
  return rangesAround(centre, (low, high) => {
    const d = draft(UNKNOWN);
    if (isSigned) {
      d.s32min = Number(low);
      d.s32max = Number(high);
    } else {
      d.u32min = Number(low);
      d.u32max = Number(high);
    }
    return sync(d);
  }).map(({ scalar, values }) => ({
    scalar,
    values: values.flatMap((value) =>
      [0n, 0x7fff_ffffn, 0xffff_ffffn].map((up) => (up << 32n) | (value & 0xffff_ffffn)),
    ),
  }));
}

const SMALL: readonly Sample[] = rangesAround(0n, range);
/** Where ranges of 32 and 64 bits end or change their sign, beside the small ones. */
const EVERYWHERE: readonly Sample[] = [
  ...SMALL,
  ...rangesAround(1n << 31n, range),
  ...rangesAround(1n << 32n, range),
  ...rangesAround(1n << 63n, unsigned),
  ...bits(),
  ...lowRanges(true),
  ...lowRanges(false),
];

/** An unsigned number of so many bits as a signed one. */
const signedOf = (value: bigint, bits: number): bigint =>
  value >> BigInt(bits - 1) === 0n ? value : value - (1n << BigInt(bits));

/** What the machine does (RFC 9669 §4.1) with unsigned operands; `amount` is the second, masked for shifts. */
const MACHINE: Readonly<Record<number, (left: bigint, right: bigint, amount: bigint, bits: number) => bigint>> = {
  [op.ADD]: (left, right) => left + right,
  [op.SUB]: (left, right) => left - right,
  [op.MUL]: (left, right) => left * right,
  [op.OR]: (left, right) => left | right,
  [op.AND]: (left, right) => left & right,
  [op.XOR]: (left, right) => left ^ right,
  [op.LSH]: (left, _, amount) => left << amount,
  [op.RSH]: (left, _, amount) => left >> amount,
  [op.ARSH]: (left, _, amount, bits) => signedOf(left, bits) >> amount,
  [op.DIV]: (left, right) => (right === 0n ? 0n : left / right),
  [op.MOD]: (left, right) => (right === 0n ? left : left % right),
};

function machine(operation: number, a: bigint, b: bigint, is32: boolean): bigint {
  const bits = is32 ? 32 : 64;
  const right = BigInt.asUintN(bits, b);
  return BigInt.asUintN(bits, MACHINE[operation]!(BigInt.asUintN(bits, a), right, right & (is32 ? 31n : 63n), bits));
}

const OPERATIONS = [op.ADD, op.SUB, op.MUL, op.OR, op.AND, op.XOR, op.LSH, op.RSH, op.ARSH, op.DIV, op.MOD] as const;

const COMPARISONS: Readonly<Record<number, (a: bigint, b: bigint) => boolean>> = {
  [op.JEQ]: (a, b) => a === b,
  [op.JNE]: (a, b) => a !== b,
  [op.JGT]: (a, b) => a > b,
  [op.JGE]: (a, b) => a >= b,
  [op.JLT]: (a, b) => a < b,
  [op.JLE]: (a, b) => a <= b,
  [op.JSGT]: (a, b) => a > b,
  [op.JSGE]: (a, b) => a >= b,
  [op.JSLT]: (a, b) => a < b,
  [op.JSLE]: (a, b) => a <= b,
  [op.JSET]: (a, b) => (a & b) !== 0n,
};
const SIGNED: ReadonlySet<number> = new Set([op.JSGT, op.JSGE, op.JSLT, op.JSLE]);

function compare(operation: number, a: bigint, b: bigint, is32: boolean): boolean {
  // Low halves are compared moved up.
  const up = is32 ? 32n : 0n;
  const holdsFor = COMPARISONS[operation]!;
  if (SIGNED.has(operation)) return holdsFor(BigInt.asIntN(64, a << up), BigInt.asIntN(64, b << up));
  return holdsFor(BigInt.asUintN(64, a << up), BigInt.asUintN(64, b << up));
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

/** Every small sample with every one anywhere, in both orders. */
function* pairs(): Iterable<readonly [Sample, Sample]> {
  for (const a of SMALL) {
    for (const b of EVERYWHERE) {
      yield [a, b];
      yield [b, a];
    }
  }
}

describe("every range of three bits, with every one around the ends of 32 and 64 bits, and with known bits", () => {
  test.each(OPERATIONS.flatMap((operation) => [true, false].map((is32) => ({ operation, is32 }))))(
    "operation $operation, 32 bits: $is32",
    ({ operation, is32 }) => {
      for (const [a, b] of pairs()) {
        const result = aluScalar(a.scalar, b.scalar, operation, is32);
        const wrong = a.values.some((x) => b.values.some((y) => !holds(result, machine(operation, x, y, is32))));
        if (wrong) expect.fail(`${a.values} with ${b.values}`);
      }
    },
  );

  test.each(CONDITIONS.flatMap((condition) => [true, false].map((is32) => ({ condition, is32 }))))(
    "condition $condition, 32 bits: $is32",
    ({ condition, is32 }) => {
      for (const [a, b] of pairs()) {
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
    },
  );

  test("compared with itself", () => {
    for (const { scalar, values } of EVERYWHERE) {
      for (const condition of CONDITIONS) {
        for (const is32 of [true, false]) {
          for (const x of values) {
            const holding = compare(condition, x, x, is32) ? condition : reverse(condition);
            if (!holds(refineSelf(scalar, holding, is32), x)) expect.fail(`${x}, condition ${condition}`);
          }
        }
      }
    }
  });

  test("moved, extended, negated, bytes in reverse, a constant added", () => {
    for (const { scalar, values } of EVERYWHERE) for (const x of values) expect(unaryWrong(scalar, x)).toBeUndefined();
  });
});

const swapped = (x: bigint, size: number): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, x << BigInt(64 - 8 * size), true);
  return view.getBigUint64(0, false);
};

/** What of all that is done to one number does not hold for one of its values. */
function unaryWrong(scalar: Scalar, x: bigint): string | undefined {
  const results: (readonly [string, Scalar, bigint])[] = [
    ["truncate32", truncate32(scalar), x & 0xffff_ffffn],
    ["negate", negateScalar(scalar, false), u64(-x)],
    ["negate, 32", negateScalar(scalar, true), BigInt.asUintN(32, -x)],
    ["add without sync", sync(addWithoutSync(scalar, known(-3n))), u64(x - 3n)],
  ];
  for (const size of [1, 2, 4, 8]) results.push([`swap ${size}`, swapScalar(scalar, size), swapped(x, size)]);
  for (const size of [1, 2, 4]) {
    results.push([`truncate ${size}`, truncate(scalar, size), BigInt.asUintN(size * 8, x)]);
    results.push([`extend ${size}`, signExtend(scalar, size, false), u64(BigInt.asIntN(size * 8, x))]);
    const extended = BigInt.asUintN(32, BigInt.asIntN(size * 8, x));
    results.push([`extend ${size}, 32`, signExtend(scalar, size, true), extended]);
  }
  const wrong = results.find(([, result, value]) => !holds(result, value));
  return wrong && `${wrong[0]} of ${x}`;
}

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
      const [least, most] = s64(a) < s64(b) ? [a, b] : [b, a];
      // Not min64 of s64: V8 of Node 20 aborts where it joins two numbers of asIntN into one and stores that in halves.
      d.smin = s64(least);
      d.smax = s64(most);
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

  test("moves, extensions, negation and swaps keep every value", () => {
    fc.assert(
      fc.property(scalarWith, ({ scalar, values }) => values.every((x) => unaryWrong(scalar, x) === undefined)),
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
