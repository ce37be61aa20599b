import { expect, test } from "vitest";

test("the public surface: a new export is a reviewed change", async () => {
  expect(Object.keys(await import("../src/index.js")).sort()).toEqual([
    "ElfError",
    "MAP_TYPES",
    "parseObject",
    "readElf",
    "relocations",
    "sectionBytes",
    "sectionType",
    "symbols",
  ]);
});
