import { MAP_TYPES } from "@bpfkit/abi";
import { MAP_TYPES as ELF_MAP_TYPES } from "@bpfkit/elf";
import { expect, test } from "vitest";

/** elf may not need abi, and both must name map types: they name them alike. elf may know later ones by name. */
test("elf and abi name map types alike", () => {
  const names = MAP_TYPES.map(({ name }) => name);
  expect(ELF_MAP_TYPES.slice(1, names.length + 1)).toEqual(names);
});
