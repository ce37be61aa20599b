import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { magic } from "../src/division.js";

/** Division as the emitted code does it, with numbers that do not end. */
function divide(dividend: bigint, divisor: bigint, bits: bigint): bigint {
  const { multiplier, shift, wide } = magic(divisor, bits);
  const low = BigInt.asUintN(Number(bits), multiplier);
  const upper = (dividend * low) >> bits;
  if (!wide) return upper >> BigInt(shift);
  return (((dividend - upper) >> 1n) + upper) >> BigInt(shift - 1);
}

describe.each([32n, 64n])("division of %i bits by a constant", (bits) => {
  const max = (1n << bits) - 1n;
  const dividend = fc.oneof(fc.bigInt({ min: 0n, max }), fc.constantFrom(0n, 1n, max, max - 1n, max >> 1n));
  const divisor = fc.oneof(
    fc.bigInt({ min: 3n, max: (1n << 31n) - 1n }),
    fc.bigInt({ min: 3n, max: 1000n }),
    fc.constantFrom(7n, 10n, 1000n, max - 2n, (1n << (bits - 1n)) + 1n),
  );

  test("law: the multiplier and its shift give the quotient", () => {
    fc.assert(
      fc.property(dividend, divisor, (n, d) => {
        fc.pre((d & (d - 1n)) !== 0n);
        expect(divide(n, d, bits)).toBe(n / d);
        // Around a multiple, where an inexact quotient shows.
        const multiple = (n / d) * d;
        if (multiple > 0n) expect(divide(multiple - 1n, d, bits)).toBe((multiple - 1n) / d);
      }),
      { numRuns: 2000 },
    );
  });
});
