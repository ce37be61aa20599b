import { expect, test } from "vitest";

test("the public surface: a new export is a reviewed change", async () => {
  expect(Object.keys(await import("../src/index.js")).sort()).toEqual([
    "CALLX_OPCODE",
    "INVALID",
    "IsaError",
    "ROW",
    "ROWS",
    "SECOND_SLOT",
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
    "writtenField",
  ]);
});
