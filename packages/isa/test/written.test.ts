import { ROW, writtenField } from "@bpfkit/isa";
import { expect, test } from "vitest";

test.each([
  ["add64Imm", "dst"],
  ["mov32Reg", "dst"],
  ["movsx864Reg", "dst"],
  ["neg64", "dst"],
  ["be16", "dst"],
  ["lddw", "dst"],
  ["lddwMap", "dst"],
  ["lddwCode", "dst"],
  ["ldxDw", "dst"],
  ["ldxsW", "dst"],
  ["loadAcquireDw", "dst"],
  ["atomicFetchAdd64", "src"],
  ["xchg32", "src"],
  ["cmpxchg64", undefined],
  ["atomicAdd64", undefined],
  ["storeReleaseDw", undefined],
  ["stDw", undefined],
  ["stxB", undefined],
  ["jeqImm", undefined],
  ["jset32Reg", undefined],
  ["ja", undefined],
  ["call", undefined],
  ["exit", undefined],
] as const)("%s writes %s", (name, field) => {
  const row = Object.entries(ROW).find(([key]) => key === name)?.[1];
  expect(row, name).toBeDefined();
  expect(writtenField(row!)).toBe(field);
});
