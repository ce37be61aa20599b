import fc from "fast-check";
import { expect, test } from "vitest";
import { decode, decodeAt, decodeSlots, encode, ROWS, rowIndexAt, rowOf, SECOND_SLOT, slotsOf } from "../src/index.js";
import { instruction, instructionOf } from "./arbitrary.js";

test("decode undoes encode for every row", () => {
  for (const row of ROWS) {
    fc.assert(
      fc.property(instructionOf(row), (one) => {
        expect(decode(encode([one]))).toEqual([one]);
        expect(rowOf(one)).toBe(row);
      }),
      { numRuns: 20 },
    );
  }
});

test("encode undoes decode, and decodeAt and decodeSlots say the same", () => {
  fc.assert(
    fc.property(fc.array(instruction), (program) => {
      const code = encode(program);
      expect(encode(decode(code))).toEqual(code);
      const table = decodeSlots(code);
      let slot = 0;
      for (const one of program) {
        expect(decodeAt(code, slot)).toEqual(one);
        expect(table.row[slot]).toBe(rowOf(one).index);
        expect([table.dst[slot], table.src[slot]]).toEqual([one.dst, one.src]);
        expect([table.offset[slot], table.imm[slot]]).toEqual([one.offset, one.imm]);
        if (slotsOf(one) === 2) expect([table.row[slot + 1], table.imm[slot + 1]]).toEqual([SECOND_SLOT, one.nextImm]);
        slot += slotsOf(one);
      }
      expect(table.length).toBe(slot);
    }),
  );
});

test("bytes at an offset of a larger buffer decode like a copy", () => {
  fc.assert(
    fc.property(fc.array(instruction), fc.nat(15), (program, before) => {
      const code = encode(program);
      const buffer = new Uint8Array(before + code.length + 3).fill(0xff);
      buffer.set(code, before);
      expect(decode(buffer.subarray(before, before + code.length))).toEqual(program);
    }),
  );
});

test("rowIndexAt never takes a slot outside the code", () => {
  for (const slot of [-1, 0, 1, 0.5, Number.NaN, 2 ** 40]) {
    expect(() => rowIndexAt(new Uint8Array(0), slot)).toThrow(expect.objectContaining({ code: "TRUNCATED" }));
  }
});
