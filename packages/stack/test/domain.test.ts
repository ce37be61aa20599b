import { type InstructionName, ROW, ROWS } from "@bpfkit/isa";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compute } from "../src/arithmetic.js";
import { decide, refine } from "../src/branch.js";
import { join, numbers, type Value } from "../src/value.js";

const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Whether a value may be a 64-bit number. */
function holds(value: Value, number: bigint): boolean {
  if (value === undefined) return true;
  if (value.kind !== "number") return false;
  return BigInt(value.min) <= s64(number) && s64(number) <= BigInt(value.max);
}

const interesting = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.constantFrom(0, 1, -1, 511, 512, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 31), 2 ** 52, -(2 ** 52)),
);

/** A range and a number in it. */
const member = fc.tuple(interesting, interesting, fc.double({ min: 0, max: 1, noNaN: true })).map(([a, b, part]) => {
  const [min, max] = a < b ? [a, b] : [b, a];
  return { value: numbers(min, max), number: BigInt(Math.min(max, Math.round(min + (max - min) * part))) };
});

/** RFC 9669 §4.1 on two 64-bit numbers. */
function exact(operation: string, width: 32 | 64, a: bigint, b: bigint): bigint {
  const cut = (value: bigint): bigint => BigInt.asUintN(width, value);
  const sign = (value: bigint): bigint => BigInt.asIntN(width, value);
  const [x, y] = [cut(a), cut(b)];
  const by = y % BigInt(width);
  const results: Record<string, () => bigint> = {
    add: () => x + y,
    sub: () => x - y,
    mul: () => x * y,
    div: () => (y === 0n ? 0n : x / y),
    mod: () => (y === 0n ? x : x % y),
    sdiv: () => (y === 0n ? 0n : sign(x) / sign(y)),
    smod: () => (y === 0n ? x : sign(x) % sign(y)),
    or: () => x | y,
    and: () => x & y,
    xor: () => x ^ y,
    lsh: () => x << by,
    rsh: () => x >> by,
    arsh: () => sign(x) >> by,
    mov: () => y,
    neg: () => -x,
  };
  return s64(cut(results[operation]!()));
}

const ARITHMETIC = ROWS.filter(({ name }) =>
  /^(add|sub|mul|div|mod|sdiv|smod|or|and|xor|lsh|rsh|arsh|mov|neg)(32|64)/.test(name),
);

describe("ranges hold what instructions compute", () => {
  test.each(ARITHMETIC.map((row) => [row.name, row] as const))("%s", (_, row) => {
    fc.assert(
      fc.property(member, member, (a, b) => {
        const result = compute(row, a.value, b.value);
        expect(holds(result, exact(row.operation, row.width as 32 | 64, a.number, b.number))).toBe(true);
      }),
    );
  });

  test("joining holds both", () => {
    fc.assert(
      fc.property(member, member, fc.boolean(), (a, b, widen) => {
        const joined = join(a.value, b.value, widen);
        expect([holds(joined, a.number), holds(joined, b.number)]).toEqual([true, true]);
      }),
    );
  });

  test("a pointer to the stack outlives joining with anything", () => {
    const pointer: Value = { kind: "stack", places: [{ frame: 1, min: -8, max: -8 }] };
    for (const other of [undefined, numbers(0, 0), { kind: "map", maps: ["m"] } as const]) {
      expect([join(pointer, other), join(other, pointer)]).toEqual([pointer, pointer]);
    }
  });
});

const JUMPS = ROWS.filter(({ name }) => /^j(eq|ne|lt|le|gt|ge|slt|sle|sgt|sge|set)/.test(name));

/** RFC 9669 §4.3. */
function taken(operation: string, width: 32 | 64, a: bigint, b: bigint): boolean {
  const [x, y] = [BigInt.asUintN(width, a), BigInt.asUintN(width, b)];
  const [sx, sy] = [BigInt.asIntN(width, a), BigInt.asIntN(width, b)];
  const results: Record<string, boolean> = {
    jeq: x === y,
    jne: x !== y,
    jlt: x < y,
    jle: x <= y,
    jgt: x > y,
    jge: x >= y,
    jslt: sx < sy,
    jsle: sx <= sy,
    jsgt: sx > sy,
    jsge: sx >= sy,
    jset: (x & y) !== 0n,
  };
  return results[operation]!;
}

describe("branches are decided only where they always go so", () => {
  test.each(JUMPS.map((row) => [row.name, row] as const))("%s", (_, row) => {
    fc.assert(
      fc.property(member, member, (a, b) => {
        const way = taken(row.operation, row.width as 32 | 64, a.number, b.number);
        expect([undefined, way]).toContain(decide(row, a.value, b.value));
        expect(holds(refine(row, way, a.value, b.value), a.number)).toBe(true);
        expect(holds(refine(row, way, undefined, b.value), a.number)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("a jump of 32 bits that finds 0 equal to 2^52 learns nothing of 64", () => {
    const refined = refine(ROW.jne32Reg, false, numbers(0, 0), numbers(2 ** 52, 2 ** 52));
    expect(refined).toEqual(numbers(0, 0));
  });

  const cases: [name: InstructionName, dst: [number, number], src: number, way: boolean | undefined][] = [
    ["jeqImm", [3, 3], 3, true],
    ["jeqImm", [3, 5], 3, undefined],
    ["jeqImm", [3, 5], 9, false],
    ["jgtImm", [3, 5], 2, true],
    ["jgtImm", [-5, -3], 7, true],
    ["jsgtImm", [-5, -3], 7, false],
    ["jlt32Imm", [0, 9], 10, true],
    ["jsetImm", [6, 6], 2, true],
    ["jsetImm", [6, 6], 1, false],
  ];
  test.each(cases)("%s on %j against %i: %s", (name, [min, max], src, way) => {
    expect(decide(ROW[name], numbers(min, max), numbers(src, src))).toBe(way);
  });
});

test("an unsigned number below a bound lies from 0 on", () => {
  expect(refine(ROW.jltImm, true, undefined, numbers(10, 10))).toEqual(numbers(0, 9));
  expect(u64(-1n) > 10n).toBe(true);
});
