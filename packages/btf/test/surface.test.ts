import { expect, test } from "vitest";
import { BTF_KINDS } from "../src/type.js";

test("the public surface: a new export is a reviewed change", async () => {
  expect(Object.keys(await import("../src/index.js")).sort()).toEqual([
    "BtfError",
    "coreRelocations",
    "decodeValue",
    "dumpType",
    "dumpTypes",
    "encodeBtf",
    "encodeValue",
    "fillDataSections",
    "findByName",
    "functionPrototype",
    "kindOf",
    "parseBtf",
    "parseBtfExt",
    "resolve",
    "sizeOf",
    "stringAt",
    "typeById",
    "typeName",
  ]);
});

test("kinds stand at their numbers (uapi/linux/btf.h)", () => {
  expect(BTF_KINDS).toHaveLength(20);
  expect([1, 4, 10, 13, 15, 19].map((number) => BTF_KINDS[number])).toEqual([
    "int",
    "struct",
    "const",
    "func_proto",
    "datasec",
    "enum64",
  ]);
});
