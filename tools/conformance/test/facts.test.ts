import { MAP_TYPES } from "@bpfkit/abi";
import { MAP_TYPES as ELF_MAP_TYPES } from "@bpfkit/elf";
import { expect, test } from "vitest";

/** elf may not need abi, and both must name map types: they name them alike. */
test("elf and abi name map types alike", () => {
  expect(ELF_MAP_TYPES.slice(1)).toEqual(MAP_TYPES.map(({ name }) => name).slice(0, ELF_MAP_TYPES.length - 1));
});
