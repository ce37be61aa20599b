import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARSH, LSH, RSH } from "../src/opcode.js";
import { contains, type Draft, draft, known, type Scalar, setTnum, UNKNOWN } from "../src/scalar.js";
import { aluScalar, truncate } from "../src/scalar-alu.js";
import { addBits, andBits, multiplyBits, orBits, subBits, uniteBits, xorBits } from "../src/scalar-bits.js";
import { intersectRange64, sync } from "../src/scalar-sync.js";
import { type Tnum, tnumSwapBytes } from "../src/tnum.js";

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** All values of a tnum with few unknown bits. */
function valuesOf({ value, mask }: Tnum): bigint[] {
  const values: bigint[] = [];
  // Counts through the unknown bits alone.
  for (let rest = mask; ; rest = (rest - 1n) & mask) {
    values.push(value | rest);
    if (rest === 0n) return values;
  }
}

const has = (tnum: Tnum, value: bigint): boolean => (value & ~tnum.mask & ((1n << 64n) - 1n)) === tnum.value;

function scalarOf(tnum: Tnum): Scalar {
  const d = draft(UNKNOWN);
  setTnum(d, tnum);
  return sync(d);
}

/** Every tnum of `bits` bits, moved up: where carries cross the low half, and where they are lost. */
function everyTnum(bits: number, up: bigint): Tnum[] {
  const all: Tnum[] = [];
  for (let value = 0; value < 1 << bits; value++) {
    for (let mask = 0; mask < 1 << bits; mask++) {
      if ((value & mask) === 0) all.push({ value: u64(BigInt(value) << up), mask: u64(BigInt(mask) << up) });
    }
  }
  return all;
}

/** The smallest tnum that holds some values. */
function best(values: readonly bigint[]): Tnum {
  const mask = values.reduce((sum, value) => sum | (value ^ values[0]!), 0n);
  return { value: values[0]! & ~mask, mask };
}

function draftOf(bits: Tnum): Draft {
  const d = draft(UNKNOWN);
  setTnum(d, bits);
  return d;
}

/** An operation on drafts as one on bits. */
function onBits(operation: (d: Draft, s: Scalar) => void): (a: Tnum, b: Tnum) => Tnum {
  return (a, b) => {
    const d = draftOf(a);
    operation(d, draftOf(b));
    return { value: d.value, mask: d.mask };
  };
}

const multiplied = onBits((d, s) => multiplyBits(d, draft(UNKNOWN), draft(s)));
const united = onBits(uniteBits);

const EXACT = [
  { name: "add", of: onBits(addBits), machine: (x: bigint, y: bigint) => u64(x + y) },
  { name: "sub", of: onBits(subBits), machine: (x: bigint, y: bigint) => u64(x - y) },
  { name: "and", of: onBits(andBits), machine: (x: bigint, y: bigint) => x & y },
  { name: "or", of: onBits(orBits), machine: (x: bigint, y: bigint) => x | y },
  { name: "xor", of: onBits(xorBits), machine: (x: bigint, y: bigint) => x ^ y },
] as const;

describe.each([0n, 30n, 60n])("every tnum of four bits, from bit %i up", (up) => {
  const all = everyTnum(4, up).map((tnum) => ({ tnum, values: valuesOf(tnum) }));

  test.each(EXACT)("$name is as narrow as can be", ({ of, machine }) => {
    for (const a of all) {
      for (const b of all) {
        const found = of(a.tnum, b.tnum);
        const wanted = best(a.values.flatMap((x) => b.values.map((y) => machine(x, y))));
        if (found.value !== wanted.value || found.mask !== wanted.mask) expect({ a, b, found }).toEqual(wanted);
      }
    }
  });

  test("mul holds every product", () => {
    for (const a of all) {
      for (const b of all) {
        const found = multiplied(a.tnum, b.tnum);
        for (const x of a.values) for (const y of b.values) if (!has(found, u64(x * y))) expect.fail(`${x} times ${y}`);
      }
    }
  });

  test("a union is as narrow as can be, and holds what is in it", () => {
    for (const a of all) {
      for (const b of all) {
        const union = united(a.tnum, b.tnum);
        const wanted = best([...a.values, ...b.values]);
        const isWithin = contains(sync(draftOf(a.tnum)), sync(draftOf(b.tnum)));
        const isRight =
          union.value === wanted.value &&
          union.mask === wanted.mask &&
          isWithin === b.values.every((x) => has(a.tnum, x));
        if (!isRight) expect({ union, isWithin }).toEqual({ a, b });
      }
    }
  });

  test("shifts by every amount, casts, bytes in reverse", () => {
    for (const { tnum, values } of all) {
      const scalar = sync(draftOf(tnum));
      for (let bits = 0n; bits < 64n; bits++) {
        for (const [name, operation, is32, machine] of SHIFTS) {
          if (is32 && bits > 31n) continue;
          const shifted = aluScalar(scalar, known(bits), operation, is32);
          for (const x of values)
            if (!contains(shifted, known(machine(x, bits)))) expect.fail(`${x} ${name} by ${bits}`);
        }
      }
      for (const x of values) {
        for (const size of [1, 2, 4, 8]) {
          if (size < 8 && !has(truncate(scalarOf(tnum), size), BigInt.asUintN(8 * size, x))) {
            expect.fail(`${x} cut to ${size}`);
          }
          if (!has(tnumSwapBytes(tnum, size), swapped(x, size))) expect.fail(`${x} swapped, ${size}`);
        }
      }
    }
  });
});

const low = (x: bigint): bigint => BigInt.asUintN(32, x);
const SHIFTS = [
  ["left", LSH, false, (x: bigint, bits: bigint) => u64(x << bits)],
  ["right", RSH, false, (x: bigint, bits: bigint) => x >> bits],
  ["right with its sign", ARSH, false, (x: bigint, bits: bigint) => u64(BigInt.asIntN(64, x) >> bits)],
  ["left, 32 bits", LSH, true, (x: bigint, bits: bigint) => low(low(x) << bits)],
  ["right, 32 bits", RSH, true, (x: bigint, bits: bigint) => low(x) >> bits],
  ["right with its sign, 32 bits", ARSH, true, (x: bigint, bits: bigint) => low(BigInt.asIntN(32, x) >> bits)],
] as const;

test.each([0n, 30n, 60n])(
  "four bits from bit %i up and a range: what is in both is held, and one alone is known",
  (up) => {
    for (const tnum of everyTnum(4, up)) {
      const values = valuesOf(tnum);
      for (let min = 0n; min < 16n; min++) {
        for (let max = min; max < 16n; max++) {
          const d = draftOf(tnum);
          d.umin = min << up;
          d.umax = max << up;
          const both = values.filter((x) => x >= min << up && x <= max << up);
          const scalar = sync(d);
          if (!both.every((x) => contains(scalar, known(x))))
            expect.fail(`${min} to ${max} of ${tnum.value}/${tnum.mask}`);
          if (both.length === 1) expect([scalar.value, scalar.mask]).toEqual([both[0], 0n]);
        }
      }
    }
  },
);

/** The low bytes in reverse, by a machine's way. */
function swapped(value: bigint, size: number): bigint {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, value << BigInt(64 - 8 * size), true);
  return bytes.getBigUint64(0, false);
}

test("a range is held, and no bit is unknown that all of it share", () => {
  for (let min = 0n; min < 40n; min++) {
    for (let max = min; max < 40n; max++) {
      const range = draft(UNKNOWN);
      range.umin = min;
      range.umax = max;
      intersectRange64(range);
      for (let value = min; value <= max; value++) if (!has(range, value)) expect.fail(`${value} of ${min} to ${max}`);
      const differing = (min ^ max).toString(2).length - (min === max ? 1 : 0);
      expect(range.mask).toBe((1n << BigInt(differing)) - 1n);
    }
  }
});

const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
/** A tnum and one of its values. */
const held = fc.tuple(word, word, word).map(([value, mask, pick]) => {
  const tnum = { value: value & ~mask, mask };
  return { tnum, x: tnum.value | (pick & mask) };
});

test("64 bits: every operation holds what the machine makes", () => {
  fc.assert(
    fc.property(held, held, fc.bigInt({ min: 0n, max: 63n }), (a, b, bits) => {
      for (const { of, machine } of EXACT) expect(has(of(a.tnum, b.tnum), machine(a.x, b.x))).toBe(true);
      expect(has(multiplied(a.tnum, b.tnum), u64(a.x * b.x))).toBe(true);
      expect(has(united(a.tnum, b.tnum), a.x) && has(united(a.tnum, b.tnum), b.x)).toBe(true);
      for (const [, operation, is32, machine] of SHIFTS) {
        const amount = is32 ? bits & 31n : bits;
        const shifted = aluScalar(sync(draftOf(a.tnum)), known(amount), operation, is32);
        expect(contains(shifted, known(machine(a.x, amount)))).toBe(true);
      }
      for (const size of [1, 2, 4, 8]) expect(has(tnumSwapBytes(a.tnum, size), swapped(a.x, size))).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
