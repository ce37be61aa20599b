import { describe, expect, test } from "vitest";
import {
  BtfError,
  type BtfType,
  dumpType,
  encodeBtf,
  fillDataSections,
  functionPrototype,
  parseBtf,
  parseBtfExt,
  resolve,
  sizeOf,
  typeById,
  typeName,
} from "../src/index.js";

const INT: BtfType = { kind: "int", name: "int", size: 4, bits: 32, offset: 0, encoding: 1 };
const parse = (...types: BtfType[]) => parseBtf(encodeBtf(types));
const code = (expected: string) => expect.objectContaining({ code: expected });

/** BTF of one int, with words of the header or the record changed. */
function changed(...changes: readonly (readonly [at: number, word: number])[]): Uint8Array {
  const bytes = encodeBtf([INT]);
  for (const [at, word] of changes) new DataView(bytes.buffer).setUint32(at, word, true);
  return bytes;
}

describe("damaged BTF", () => {
  test.each<[string, Uint8Array, string]>([
    ["no bytes", new Uint8Array(0), "NOT_BTF"],
    ["other bytes", Uint8Array.of(1, 2, 3, 4), "NOT_BTF"],
    ["big-endian", Uint8Array.of(0xeb, 0x9f, 1, 0), "UNSUPPORTED"],
    ["only a magic number", Uint8Array.of(0x9f, 0xeb), "DAMAGED"],
    ["another version", changed([0, 0x02eb9f]), "UNSUPPORTED"],
    ["a header longer than all", changed([4, 1000]), "DAMAGED"],
    ["a header too short", changed([4, 8]), "DAMAGED"],
    ["types behind the end", changed([12, 0xffffffff]), "DAMAGED"],
    ["strings behind the end", changed([20, 0xffffffff]), "DAMAGED"],
    ["no string table", changed([20, 0]), "DAMAGED"],
    ["a record cut off", changed([12, 8]), "DAMAGED"],
    ["a kind that does not exist", changed([28, 0x1f000000]), "DAMAGED"],
    ["more members than bytes", changed([28, 0x0400ffff]), "DAMAGED"],
  ])("%s", (_, bytes, expected) => {
    expect(() => parseBtf(bytes)).toThrow(BtfError);
    expect(() => parseBtf(bytes)).toThrow(code(expected));
  });

  test("a name outside of the table, when it is asked for", () => {
    const btf = parseBtf(changed([24, 500]));
    expect(() => typeById(btf, 1)).toThrow(code("DAMAGED"));
  });

  test("a name longer than the kernel takes", () => {
    expect(() => typeById(parse({ ...INT, name: "x".repeat(512) }), 1)).toThrow(code("DAMAGED"));
    expect(typeById(parse({ ...INT, name: "x".repeat(511) }), 1).name).toHaveLength(511);
  });
});

describe("sizes", () => {
  test("through arrays, typedefs and qualifiers", () => {
    const btf = parse(
      INT,
      { kind: "array", name: "", type: 3, indexType: 1, length: 5 },
      { kind: "const", name: "", type: 4 },
      { kind: "typedef", name: "t", type: 5 },
      { kind: "array", name: "", type: 1, indexType: 1, length: 3 },
      { kind: "ptr", name: "", type: 0 },
    );
    expect([1, 2, 3, 5, 6].map((id) => sizeOf(btf, id))).toEqual([4, 60, 12, 12, 8]);
    expect(resolve(btf, 3)).toBe(5);
  });

  test("circles and overflow are damage", () => {
    const circle = parse({ kind: "typedef", name: "a", type: 2 }, { kind: "typedef", name: "b", type: 1 });
    expect(() => sizeOf(circle, 1)).toThrow(code("DAMAGED"));
    expect(() => resolve(circle, 1)).toThrow(code("DAMAGED"));
    expect(() => typeName(circle, 0)).not.toThrow();
    const huge = parse(INT, { kind: "array", name: "", type: 1, indexType: 1, length: 0xffffffff });
    expect(() => sizeOf(huge, 2)).toThrow(code("DAMAGED"));
  });

  test("pointers to oneself have a size but no declaration", () => {
    const btf = parse({ kind: "ptr", name: "", type: 1 });
    expect(sizeOf(btf, 1)).toBe(8);
    expect(() => typeName(btf, 1)).toThrow(code("DAMAGED"));
  });
});

test("a function's prototype", () => {
  const btf = parse(
    INT,
    {
      kind: "func_proto",
      name: "",
      returns: 1,
      params: [
        { name: "x", type: 1 },
        { name: "", type: 0 },
      ],
    },
    { kind: "func", name: "f", type: 2, linkage: "global" },
    { kind: "func", name: "broken", type: 1, linkage: "static" },
  );
  expect(functionPrototype(btf, 3)).toEqual({
    name: "f",
    linkage: "global",
    returns: 1,
    params: [{ name: "x", type: 1 }],
    variadic: true,
  });
  expect(dumpType(btf, 3)).toBe("int f(int x, ...);");
  expect(() => functionPrototype(btf, 1)).toThrow(code("WRONG_KIND"));
  expect(() => functionPrototype(btf, 4)).toThrow(code("DAMAGED"));
});

test("a text that doubles with every level is refused before it is long", () => {
  const types: BtfType[] = [INT];
  for (let level = 0; level < 14; level++) {
    const param = { name: "", type: types.length };
    types.push({ kind: "func_proto", name: "", returns: types.length, params: [param, param, param] });
    types.push({ kind: "ptr", name: "", type: types.length });
  }
  expect(() => typeName(parse(...types), types.length)).toThrow(code("TOO_LARGE"));
});

test("fillDataSections gives sizes, offsets in order, and hides functions; what it was given stays", () => {
  const variable = (name: string): BtfType => ({ kind: "var", name, type: 1, linkage: "global" });
  const bytes = encodeBtf([
    INT,
    variable("a"),
    variable("b"),
    {
      kind: "datasec",
      name: ".data",
      size: 0,
      variables: [
        { type: 2, offset: 0, size: 4 },
        { type: 3, offset: 0, size: 4 },
      ],
    },
    { kind: "func", name: "f", type: 1, linkage: "global" },
    { kind: "datasec", name: ".ksyms", size: 0, variables: [{ type: 2, offset: 0, size: 4 }] },
  ]);
  const before = bytes.slice();
  const btf = parseBtf(bytes);
  typeById(btf, 4);
  const filled = fillDataSections(btf, {
    size: (section) => (section === ".data" ? 8 : undefined),
    offset: (_, name) => (name === "a" ? 4 : 0),
    hidden: (name) => name === "f" || name === "b",
  });
  expect(typeById(filled, 4)).toMatchObject({
    size: 8,
    variables: [
      { type: 3, offset: 0, size: 4 },
      { type: 2, offset: 4, size: 4 },
    ],
  });
  expect([2, 3, 5].map((id) => typeById(filled, id))).toMatchObject([
    { linkage: "global" },
    { linkage: "static" },
    { linkage: "static" },
  ]);
  expect(typeById(filled, 6)).toMatchObject({ size: 0 });
  expect(bytes).toEqual(before);
});

describe("damaged .BTF.ext", () => {
  /** A header of 24 or 32 bytes and the words behind it. */
  const ext = (headerLength: number, header: number[], words: number[]): Uint8Array => {
    const all = [0x01eb9f, headerLength, ...header, ...words];
    return new Uint8Array(Uint32Array.from(all).buffer);
  };

  test.each<[string, Uint8Array, string]>([
    ["other bytes", new Uint8Array(24), "NOT_BTF"],
    ["a short header", ext(8, [0, 0, 0, 0], []), "DAMAGED"],
    ["functions behind the end", ext(24, [0, 400, 0, 0], []), "DAMAGED"],
    ["records too short", ext(24, [0, 8, 0, 0], [4, 0]), "UNSUPPORTED"],
    ["a section cut off", ext(24, [0, 8, 0, 0], [8, 0]), "DAMAGED"],
    ["four billion records", ext(24, [0, 12, 0, 0], [8, 0, 0xffffffff]), "DAMAGED"],
  ])("%s", (_, bytes, expected) => {
    expect(() => parseBtfExt(bytes)).toThrow(code(expected));
  });

  test("records longer than known are read by their length", () => {
    const words = [12, 7, 2, 8, 3, 99, 16, 4, 99];
    const parsed = parseBtfExt(ext(24, [0, words.length * 4, 0, 0], words));
    expect(parsed.functions).toEqual([
      {
        nameOffset: 7,
        records: [
          { offset: 8, typeId: 3 },
          { offset: 16, typeId: 4 },
        ],
      },
    ]);
    expect(parsed.coreRelocations).toEqual([]);
  });
});
