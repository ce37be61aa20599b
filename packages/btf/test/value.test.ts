import { describe, expect, test } from "vitest";
import { BtfError, type BtfType, type BtfValue, decodeValue, encodeBtf, encodeValue, parseBtf } from "../src/index.js";

const member = (name: string, type: number, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });

const TYPES: BtfType[] = [
  { kind: "int", name: "unsigned int", size: 4, bits: 32, offset: 0, encoding: 0 },
  { kind: "int", name: "char", size: 1, bits: 8, offset: 0, encoding: 1 },
  { kind: "int", name: "_Bool", size: 1, bits: 8, offset: 0, encoding: 4 },
  { kind: "int", name: "long long", size: 8, bits: 64, offset: 0, encoding: 1 },
  { kind: "enum", name: "color", size: 4, signed: false, values: [{ name: "RED", value: 1 }] },
  { kind: "array", name: "", type: 2, indexType: 1, length: 8 },
  { kind: "struct", name: "", size: 8, members: [member("low", 1, 0), member("high", 1, 32)] },
  { kind: "union", name: "", size: 8, members: [member("whole", 4, 0), member("", 7, 0)] },
  {
    kind: "struct",
    name: "outer",
    size: 24,
    members: [member("", 8, 0), member("name", 6, 64), member("flag", 3, 128)],
  },
  { kind: "float", name: "double", size: 8 },
  { kind: "fwd", name: "opaque", of: "struct" },
  { kind: "struct", name: "legacy", size: 4, members: [member("a", 13, 0)] },
  { kind: "int", name: "unsigned int", size: 4, bits: 3, offset: 5, encoding: 0 },
  { kind: "typedef", name: "color_t", type: 5 },
  { kind: "var", name: "count", type: 1, linkage: "global" },
  { kind: "datasec", name: ".bss", size: 8, variables: [{ type: 15, offset: 4, size: 4 }] },
  { kind: "array", name: "", type: 7, indexType: 1, length: 2 },
  { kind: "array", name: "", type: 19, indexType: 1, length: 0xffffffff },
  { kind: "struct", name: "empty", size: 0, members: [] },
  { kind: "float", name: "long double", size: 16 },
  { kind: "struct", name: "hostile", size: 4, members: [member("__proto__", 1, 0)] },
];
const btf = parseBtf(encodeBtf(TYPES));
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

describe("values both ways", () => {
  test.each<[string, number, string, BtfValue]>([
    ["an integer", 1, "ffffffff", 4294967295],
    ["a negative long", 4, "feffffffffffffff", -2n],
    ["true", 3, "01", true],
    ["a bool that is neither", 3, "02", 2],
    ["an enumerator", 5, "01000000", "RED"],
    ["an enum without a name for it", 5, "07000000", 7],
    ["through a typedef", 14, "01000000", "RED"],
    ["text", 6, "6162630000000000", "abc"],
    ["empty text", 6, "0000000000000000", ""],
    ["chars without an end", 6, "6161616161616161", [97, 97, 97, 97, 97, 97, 97, 97]],
    ["chars behind the end", 6, "6100620000000000", [97, 0, 98, 0, 0, 0, 0, 0]],
    ["chars that are not UTF-8", 6, "ff00000000000000", [-1, 0, 0, 0, 0, 0, 0, 0]],
    ["text beyond ASCII", 6, "c3a4c3b600000000", "äö"],
    ["a double", 10, "000000000000f83f", 1.5],
    ["bits of an old compiler", 12, "a0000000", { a: 5 }],
    [
      "an array of structs",
      17,
      "01000000020000000300000004000000",
      [
        { low: 1, high: 2 },
        { low: 3, high: 4 },
      ],
    ],
    ["variables of a section", 16, "0000000007000000", { count: 7 }],
  ])("%s", (_, id, hex, value) => {
    expect(decodeValue(btf, id, bytes(hex))).toEqual(value);
    expect(Buffer.from(encodeValue(btf, id, value)).toString("hex")).toBe(hex);
  });

  test("structs without a name are merged into the outer one, every member of a union is there", () => {
    const value = decodeValue(btf, 9, bytes("0100000002000000616200000000000001ffffffffffffff"));
    expect(value).toEqual({ whole: 0x200000001n, low: 1, high: 2, name: "ab", flag: true });
  });

  test("of a union the member meant is enough", () => {
    expect(encodeValue(btf, 9, { high: "0x10" })[4]).toBe(16);
    expect(encodeValue(btf, 9, {})).toEqual(new Uint8Array(24));
  });

  test("a member called __proto__ is a member", () => {
    const value = decodeValue(btf, 21, bytes("05000000")) as { [name: string]: BtfValue };
    expect(Object.entries(value)).toEqual([["__proto__", 5]]);
    expect(encodeValue(btf, 21, value)).toEqual(bytes("05000000"));
  });
});

describe("refused", () => {
  test.each<[string, number, BtfValue, string]>([
    ["too large a number", 1, 2n ** 32n, "value must be from 0 to 4294967295, not 4294967296"],
    ["a negative number without sign", 1, -1, "value must be from 0 to 4294967295, not -1"],
    ["a fraction", 1, 1.5, "value must be an integer, not 1.5"],
    ["words for a number", 1, "many", 'value must be an integer, not "many"'],
    ["an unknown enumerator", 5, "BLUE", 'value must be an enumerator of enum color or a number, not "BLUE"'],
    ["an unknown member", 9, { nam: "x" }, 'value has no member "nam"'],
    ["a bad element, by its path", 17, [{}, { low: true }, {}], "value must be at most 2 elements"],
    ["text for a struct", 9, "x", 'value must be an object, not "x"'],
    ["a number for an array", 17, 3, "value must be an array, not 3"],
    ["a bad member, by its path", 17, [{}, { low: -5 }], "value[1].low must be from 0 to 4294967295, not -5"],
    ["text that is too long", 6, "123456789", "value must be at most 8 elements"],
  ])("%s", (_, id, value, message) => {
    expect(() => encodeValue(btf, id, value)).toThrow(BtfError);
    expect(() => encodeValue(btf, id, value)).toThrow(message);
  });

  test.each<[string, number, number, string]>([
    ["bytes of another size", 1, 3, "BAD_VALUE"],
    ["a struct only declared", 11, 0, "NO_SIZE"],
    ["void", 0, 0, "NO_SIZE"],
    ["a float of 16 bytes", 20, 16, "UNSUPPORTED"],
    ["four billion values of no bytes", 18, 0, "TOO_LARGE"],
    ["a type that is not there", 99, 0, "NO_SUCH_TYPE"],
  ])("%s", (_, id, size, code) => {
    expect(() => decodeValue(btf, id, new Uint8Array(size))).toThrow(expect.objectContaining({ code }));
  });
});
