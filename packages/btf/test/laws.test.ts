import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type BtfType,
  type BtfValue,
  decodeValue,
  encodeBtf,
  encodeValue,
  findByName,
  parseBtf,
  sizeOf,
  typeById,
} from "../src/index.js";
import { anyType } from "./arbitrary.js";

test("typeById of encodeBtf gives every type back", () => {
  fc.assert(
    fc.property(fc.array(anyType, { maxLength: 30 }), (types) => {
      const btf = parseBtf(encodeBtf(types));
      expect(types.map((_, index) => typeById(btf, index + 1))).toEqual(types);
    }),
  );
});

test("encodeBtf of what was decoded gives the same bytes", () => {
  fc.assert(
    fc.property(fc.array(anyType, { maxLength: 20 }), (types) => {
      const bytes = encodeBtf(types);
      const btf = parseBtf(bytes);
      expect(encodeBtf(types.map((_, index) => typeById(btf, index + 1)))).toEqual(bytes);
    }),
  );
});

test("findByName finds the first of a name", () => {
  fc.assert(
    fc.property(fc.array(anyType, { maxLength: 20 }), fc.nat(), (types, pick) => {
      const btf = parseBtf(encodeBtf(types));
      const { name, kind } = types[pick % types.length] ?? { name: "absent", kind: "int" as const };
      const expected = types.findIndex((type) => type.name === name && type.kind === kind);
      expect(findByName(btf, name, kind)).toBe(expected < 0 ? undefined : expected + 1);
    }),
  );
});

/** Types without padding, where every bit pattern is a value: the first ids are leaves, the others built of them. */
const LEAVES: BtfType[] = [
  { kind: "int", name: "u8", size: 1, bits: 8, offset: 0, encoding: 0 },
  { kind: "int", name: "s16", size: 2, bits: 16, offset: 0, encoding: 1 },
  { kind: "int", name: "u32", size: 4, bits: 32, offset: 0, encoding: 0 },
  { kind: "int", name: "s64", size: 8, bits: 64, offset: 0, encoding: 1 },
  { kind: "int", name: "_Bool", size: 1, bits: 8, offset: 0, encoding: 4 },
  { kind: "int", name: "char", size: 1, bits: 8, offset: 0, encoding: 1 },
  { kind: "ptr", name: "", type: 0 },
  { kind: "enum", name: "e", size: 4, signed: true, values: [{ name: "A", value: -1 }] },
  { kind: "enum64", name: "e64", size: 8, signed: false, values: [{ name: "B", value: 2n ** 63n }] },
  { kind: "typedef", name: "t", type: 4 },
  { kind: "int", name: "__int128", size: 16, bits: 128, offset: 0, encoding: 1 },
];

const sized = fc.array(fc.record({ type: fc.integer({ min: 1, max: 11 }), length: fc.nat({ max: 4 }) }), {
  minLength: 1,
  maxLength: 6,
});

/** A struct of arrays of leaves, back to back, and random bytes for it. */
function structOf(parts: readonly { type: number; length: number }[]) {
  const types: BtfType[] = [...LEAVES];
  const sizes = parseBtf(encodeBtf(LEAVES));
  let bitOffset = 0;
  const members = parts.map(({ type, length }, index) => {
    types.push({ kind: "array", name: "", type, indexType: 3, length });
    const member = { name: `m${index}`, type: types.length, bitOffset, bitSize: 0 };
    bitOffset += sizeOf(sizes, type) * length * 8;
    return member;
  });
  types.push({ kind: "struct", name: "s", size: bitOffset / 8, members });
  return { btf: parseBtf(encodeBtf(types)), id: types.length, size: bitOffset / 8 };
}

test("encodeValue of decodeValue gives the bytes back", () => {
  fc.assert(
    fc.property(sized, fc.uint8Array({ minLength: 400, maxLength: 400 }), (parts, random) => {
      const { btf, id, size } = structOf(parts);
      const bytes = random.slice(0, size);
      expect(encodeValue(btf, id, decodeValue(btf, id, bytes))).toEqual(bytes);
    }),
  );
});

test("bit fields keep to their bits", () => {
  const widths = fc.array(fc.integer({ min: 1, max: 31 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(widths, fc.array(fc.nat({ max: 0x7fffffff }), { minLength: 8, maxLength: 8 }), (bits, numbers) => {
      let bitOffset = 0;
      const members = bits.map((bitSize, index) => {
        const member = { name: `b${index}`, type: 3, bitOffset, bitSize };
        bitOffset += bitSize;
        return member;
      });
      const size = Math.ceil(bitOffset / 8);
      const btf = parseBtf(encodeBtf([...LEAVES, { kind: "struct", name: "s", size, members, bitfields: true }]));
      const value: BtfValue = Object.fromEntries(bits.map((width, i) => [`b${i}`, numbers[i]! % 2 ** width]));
      const bytes = encodeValue(btf, LEAVES.length + 1, value);
      expect(decodeValue(btf, LEAVES.length + 1, bytes)).toEqual(value);
    }),
  );
});
