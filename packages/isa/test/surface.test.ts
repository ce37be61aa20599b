import { expect, test } from "vitest";

test("the public surface: a new export is a reviewed change", async () => {
  expect(Object.keys(await import("../src/index.js")).sort()).toEqual([
    "FORMS",
    "INVALID",
    "IsaError",
    "ROW",
    "ROWS",
    "SECOND_SLOT",
    "TABLE",
    "WIDE_OPCODE",
    "build",
    "decode",
    "decodeAt",
    "decodeSlots",
    "encode",
    "findRow",
    "imm64",
    "rowIndexAt",
    "rowOf",
    "slotsOf",
    "validate",
  ]);
});
