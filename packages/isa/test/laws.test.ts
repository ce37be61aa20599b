import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decode,
  decodeAt,
  decodeSlots,
  encode,
  IsaError,
  ROWS,
  rowIndexAt,
  rowOf,
  SECOND_SLOT,
  slotsOf,
  validate,
} from "../src/index.js";
import { instruction, instructionOf } from "./arbitrary.js";

/** Random byte strings given to the decoder: raise it for a long session. */
const FUZZ_RUNS = Number(process.env["BPFKIT_FUZZ_RUNS"] ?? 20_000);

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

test(`${FUZZ_RUNS} random byte strings decode or give an IsaError`, () => {
  let state = 0x9e3779b9;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  let valid = 0;
  for (let run = 0; run < FUZZ_RUNS; run++) {
    const code = Uint8Array.from({ length: random() % 41 }, () => random());
    // Most random slots die on a reserved field: clear some, so that the checks behind it are met too.
    if (run % 2 === 0) for (let at = 0; at < code.length; at++) if (at % 8 !== 0 && random() % 4 !== 0) code[at] = 0;
    try {
      validate(code);
      expect(encode(decode(code))).toEqual(code);
      valid++;
    } catch (error) {
      if (!(error instanceof IsaError)) throw error;
      expect(error.place.slot).toBeLessThanOrEqual(code.length / 8);
      expect(error.message).not.toMatch(/\n|undefined|NaN/);
    }
  }
  expect(valid).toBeGreaterThan(0);
});

test("rowIndexAt never takes a slot outside the code", () => {
  for (const slot of [-1, 0, 1, 0.5, Number.NaN, 2 ** 40]) {
    expect(() => rowIndexAt(new Uint8Array(0), slot)).toThrow(expect.objectContaining({ code: "TRUNCATED" }));
  }
});
