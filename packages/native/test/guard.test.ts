import { addressOf, guardRegions } from "@bpfkit/native";
import { describe, expect, test } from "vitest";
import { guardsIn } from "../src/guard.js";
import { nativeMissing } from "./here.js";

const GIB = 2 ** 30;

describe.skipIf(nativeMissing !== "")(`guard regions of a memory${nativeMissing}`, () => {
  test.each([
    { name: "a small one", initial: 1, maximum: 10 },
    { name: "one of 256 MiB", initial: 4096, maximum: 4096 },
    { name: "an empty one", initial: 0, maximum: 1 },
  ])("are 2 GiB before and 8 GiB from the start on: $name", ({ initial, maximum }) => {
    const memory = new WebAssembly.Memory({ initial, maximum });
    const guards = guardRegions(memory);
    expect(guards.before).toBeGreaterThanOrEqual(2 * GIB);
    expect(guards.behind).toBeGreaterThanOrEqual(8 * GIB);
  });

  test("stay when the memory grows or is shared", () => {
    for (const shared of [false, true]) {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 100, shared });
      memory.grow(50);
      expect(guardRegions(memory).behind).toBeGreaterThanOrEqual(8 * GIB);
      expect(addressOf(memory)).toBeGreaterThan(0n);
    }
  });
});

test.each([
  {
    name: "reserved on both sides",
    maps: ["1000-9000 ---p", "9000-a000 rw-p", "a000-c000 ---p"],
    before: 0x8000,
    behind: 0x3000,
  },
  {
    name: "reserved in several pieces",
    maps: ["1000-8000 ---p", "8000-9000 ---p", "9000-a000 rw-p", "a000-b000 ---p", "b000-c000 ---s"],
    before: 0x8000,
    behind: 0x3000,
  },
  { name: "one mapping that permissions split", maps: ["9000-a000 rw-p", "a000-c000 ---p"], before: 0, behind: 0x3000 },
  { name: "nothing", maps: ["9000-a000 rw-p"], before: 0, behind: 0x1000 },
  {
    name: "a hole, which a later mmap may fill",
    maps: ["1000-8000 ---p", "9000-a000 rw-p", "b000-c000 ---p"],
    before: 0,
    behind: 0x1000,
  },
  {
    name: "a readable neighbour",
    maps: ["1000-8000 ---p", "8000-9000 r--p", "9000-a000 rw-p", "a000-b000 ---p", "b000-c000 r--p"],
    before: 0,
    behind: 0x2000,
  },
])("guards in the maps of a process: $name", ({ maps, before, behind }) => {
  const text = maps.map((row) => `${row} 00000000 00:00 0 \n`).join("");
  expect(guardsIn(text, 0x9000n, 0x1000n)).toEqual({ before, behind });
});
