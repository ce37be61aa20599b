import { describe, expect, test } from "vitest";
import { type BtfType, dumpType, dumpTypes, encodeBtf, parseBtf, typeName } from "../src/index.js";

const member = (name: string, type: number, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });

const TYPES: BtfType[] = [
  /*  1 */ { kind: "int", name: "int", size: 4, bits: 32, offset: 0, encoding: 1 },
  /*  2 */ { kind: "int", name: "char", size: 1, bits: 8, offset: 0, encoding: 1 },
  /*  3 */ { kind: "const", name: "", type: 2 },
  /*  4 */ { kind: "ptr", name: "", type: 3 },
  /*  5 */ { kind: "const", name: "", type: 4 },
  /*  6 */ { kind: "array", name: "", type: 4, indexType: 1, length: 3 },
  /*  7 */ { kind: "ptr", name: "", type: 6 },
  /*  8 */ {
    kind: "func_proto",
    name: "",
    returns: 4,
    params: [
      { name: "ctx", type: 9 },
      { name: "", type: 1 },
    ],
  },
  /*  9 */ { kind: "ptr", name: "", type: 0 },
  /* 10 */ { kind: "ptr", name: "", type: 8 },
  /* 11 */ { kind: "array", name: "", type: 10, indexType: 1, length: 2 },
  /* 12 */ { kind: "struct", name: "pair", size: 16, members: [member("a", 2, 0), member("next", 13, 64)] },
  /* 13 */ { kind: "ptr", name: "", type: 12 },
  /* 14 */ { kind: "typedef", name: "pair_t", type: 12 },
  /* 15 */ { kind: "volatile", name: "", type: 14 },
  /* 16 */ { kind: "func_proto", name: "", returns: 0, params: [] },
  /* 17 */ { kind: "func", name: "nothing", type: 16, linkage: "static" },
  /* 18 */ { kind: "type_tag", name: "user", type: 12 },
  /* 19 */ { kind: "ptr", name: "", type: 18 },
  /* 20 */ { kind: "array", name: "", type: 21, indexType: 1, length: 2 },
  /* 21 */ { kind: "array", name: "", type: 1, indexType: 1, length: 4 },
  /* 22 */ {
    kind: "struct",
    name: "bits",
    size: 4,
    members: [member("low", 1, 0, 3), member("high", 1, 8, 4)],
    bitfields: true,
  },
  /* 23 */ { kind: "union", name: "", size: 4, members: [member("i", 1, 0), member("", 24, 0)] },
  /* 24 */ { kind: "struct", name: "", size: 4, members: [member("c", 2, 0)] },
  /* 25 */ { kind: "struct", name: "nested", size: 8, members: [member("", 23, 0), member("e", 26, 32)] },
  /* 26 */ { kind: "enum", name: "", size: 4, signed: true, values: [{ name: "MINUS", value: -1 }] },
  /* 27 */ { kind: "enum64", name: "wide", size: 8, signed: false, values: [{ name: "TOP", value: 2n ** 63n }] },
  /* 28 */ { kind: "fwd", name: "hidden", of: "union" },
  /* 29 */ { kind: "var", name: "table", type: 20, linkage: "extern" },
  /* 30 */ { kind: "datasec", name: ".data", size: 32, variables: [{ type: 29, offset: 0, size: 32 }] },
  /* 31 */ { kind: "struct", name: "none", size: 0, members: [] },
  /* 32 */ { kind: "const", name: "", type: 33 },
  /* 33 */ { kind: "array", name: "", type: 3, indexType: 1, length: 5 },
];
const btf = parseBtf(encodeBtf(TYPES));

describe("declarations", () => {
  test.each([
    [0, "void x"],
    [4, "const char *x"],
    [5, "const char * const x"],
    [6, "const char *x[3]"],
    [7, "const char *(*x)[3]"],
    [10, "const char *(*x)(void *ctx, int)"],
    [11, "const char *(*x[2])(void *ctx, int)"],
    [15, "volatile pair_t x"],
    [19, '__attribute__((btf_type_tag("user"))) struct pair *x'],
    [20, "int x[2][4]"],
    [28, "union hidden x"],
    [32, "const char x[5]"],
  ])("type %i is %s", (id, text) => {
    expect(typeName(btf, id, "x")).toBe(text);
  });

  test("without a name", () => {
    expect(typeName(btf, 10)).toBe("const char *(*)(void *ctx, int)");
    expect(typeName(btf, 13)).toBe("struct pair *");
  });
});

describe("definitions", () => {
  test.each([
    [12, "struct pair {\n\tchar a;\n\tstruct pair *next;\n};"],
    [14, "typedef struct pair pair_t;"],
    [17, "static void nothing(void);"],
    [22, "struct bits {\n\tint low: 3;\n\tint high: 4;\n};"],
    [
      25,
      "struct nested {\n\tunion {\n\t\tint i;\n\t\tstruct {\n\t\t\tchar c;\n\t\t};\n\t};\n\tenum {\n\t\tMINUS = -1,\n\t} e;\n};",
    ],
    [27, "enum wide {\n\tTOP = 9223372036854775808ULL,\n};"],
    [28, "union hidden;"],
    [29, "extern int table[2][4];"],
    [30, "/* section .data */\nint table[2][4];\n"],
    [31, "struct none {};"],
  ])("type %i", (id, text) => {
    expect(dumpType(btf, id)).toBe(text);
  });

  test("with their layout", () => {
    const lines = dumpType(btf, 12, { layout: true }).split("\n");
    expect(lines.map((line) => line.trim().replace(/ +/g, " "))).toEqual([
      "struct pair {",
      "char a; /* offset 0 bytes, 1 bytes */",
      "/* 7 bytes unused */",
      "struct pair *next; /* offset 8 bytes, 8 bytes */",
      "} /* 16 bytes */;",
    ]);
    expect(dumpType(btf, 22, { layout: true })).toContain("/* offset 1 bytes, 4 bits */");
    expect(dumpType(btf, 30, { layout: true })).toContain("/* offset 0 bytes, 32 bytes */");
  });

  test("all of them, in order", () => {
    expect([...dumpTypes(btf)].map(({ id }) => id)).toEqual([12, 14, 17, 22, 25, 27, 28, 29, 31]);
  });

  test("a pointer has none", () => {
    expect(() => dumpType(btf, 4)).toThrow(expect.objectContaining({ code: "WRONG_KIND" }));
  });
});
