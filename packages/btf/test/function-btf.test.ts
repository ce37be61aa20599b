import { functionBtf, functionPrototype, parseBtf, typeById, typeName } from "@bpfkit/btf";
import { expect, test } from "vitest";

test("functions are described by name, linkage, arguments and result", () => {
  const { types, functions, lines } = functionBtf(
    [
      { name: "main", slot: 0 },
      { name: "add", slot: 4, linkage: "global", args: ["int", "u64", "int*", "ctx"], ret: "void" },
    ],
    "xdp",
  );
  const btf = parseBtf(types);
  expect(lines).toHaveLength(0);
  expect(functions.map(({ slot }) => slot)).toEqual([0, 4]);
  expect(functions.map(({ typeId }) => typeById(btf, typeId))).toMatchObject([
    { kind: "func", name: "main", linkage: "static" },
    { kind: "func", name: "add", linkage: "global" },
  ]);
  expect(functionPrototype(btf, functions[1]!.typeId)?.params.map(({ type }) => typeName(btf, type))).toEqual([
    "int",
    "unsigned long long",
    "int *",
    "struct xdp_md *",
  ]);
});

test("a name that is none is refused", () => {
  expect(() => functionBtf([{ name: "a\0b", slot: 0 }])).toThrow(expect.objectContaining({ code: "BAD_VALUE" }));
});
