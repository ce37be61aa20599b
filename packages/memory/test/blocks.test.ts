import type { GuestMemory, Region } from "@bpfkit/core";
import { createGuestMemory, GAP } from "@bpfkit/memory";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

function mayRead(memory: GuestMemory, address: number, size: number): boolean {
  try {
    memory.checkRead(address, size);
    return true;
  } catch {
    return false;
  }
}

const step = fc.oneof(
  fc.record({ reserve: fc.nat(300), align: fc.constantFrom(8, 16, 64, 4096) }),
  fc.record({ release: fc.nat(20) }),
);

test("law: regions never meet, begin zeroed and valid to the byte, whatever was reserved and released before", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = createGuestMemory({ initialBytes: 65_536 });
      const live: Region[] = [];
      for (const one of steps) {
        if ("release" in one) {
          const [region] = live.splice(one.release % Math.max(live.length, 1), 1);
          if (region !== undefined) memory.release(region);
          continue;
        }
        const region = memory.reserve(`region ${live.length}`, one.reserve, "read-write", one.align);
        expect(region.start % one.align).toBe(0);
        const bytes = memory.views.u8.subarray(region.start, region.start + region.size);
        expect(bytes.every((byte) => byte === 0)).toBe(true);
        bytes.fill(0xaa);
        live.push(region);
      }
      for (const { start, size } of live) {
        expect(mayRead(memory, start, size)).toBe(true);
        expect(mayRead(memory, start + size, 1)).toBe(false);
        expect(mayRead(memory, start - 1, 1)).toBe(false);
      }
      const sorted = [...live].sort((one, other) => one.start - other.start);
      sorted.forEach((region, index) => {
        const next = sorted[index + 1];
        if (next !== undefined) expect(next.start - region.start - region.size).toBeGreaterThanOrEqual(GAP);
      });
    }),
  );
});

test("reserving and releasing over and over needs no more memory, in any mix of sizes", () => {
  const memory = createGuestMemory({ initialBytes: 65_536 });
  const round = (): void => {
    const regions = [100_000, 60_000, 99_000, 51_000].map((size) => memory.reserve("a", size, "read"));
    for (const region of regions) memory.release(region);
  };
  for (let index = 0; index < 3; index++) round();
  const bytes = memory.views.u8.length;
  for (let index = 0; index < 100; index++) round();
  expect(memory.views.u8.length).toBe(bytes);
});

test("releasing twice does nothing the second time, also when the bytes are another region's by then", () => {
  const memory = createGuestMemory();
  const first = memory.reserve("first", 64, "read");
  memory.release(first);
  memory.release(first);
  const [second, third] = [memory.reserve("second", 64, "read"), memory.reserve("third", 64, "read")];
  expect(second.start).toBe(first.start);
  expect(third.start).not.toBe(second.start);
  memory.release(first);
  memory.checkRead(second.start, 64);
  expect(memory.explain("read", BigInt(second.start + 64), 1)).toMatch(/0 past the end of second/);
});

test("what is said of a region's objects goes with the region", () => {
  const memory = createGuestMemory();
  const region = memory.reserve("values", 128, "none");
  memory.describe(region.start, "the value", 16, 32, 4);
  const moved = memory.describe(region.start + 16, "the packet", 8);
  moved.start = region.start + 24;
  const at = (offset: number): string => memory.explain("read", BigInt(region.start + offset), 1).replace(/^.*?, /, "");
  expect(at(26)).toBe("at offset 2 of the packet (8 bytes), which does not permit it");
  expect(at(64)).toBe("at offset 0 of the value at index 2 (16 bytes), which does not permit it");
  memory.release(region);
  expect(at(26)).toBe("nothing is mapped");
});

test("a function's number is worded as one, and nothing can be reserved there", () => {
  const memory = createGuestMemory();
  memory.reserve("near", 8, "read");
  expect(memory.explain("read", 0xf000_0001n, 4)).toBe(
    "read of 4 bytes at 0xf0000001, where functions have their numbers and nothing is mapped",
  );
  expect(() => memory.reserve("all", 0xf000_0000, "read")).toThrow(
    expect.objectContaining({ code: "OUT_OF_MEMORY", message: expect.stringContaining("over its limit") }),
  );
});

test.each([-1, Number.NaN])("a check of %s bytes fails", (size) => {
  const memory = createGuestMemory();
  const { start } = memory.reserve("a", 64, "read");
  expect(mayRead(memory, start + 8, size)).toBe(false);
});

test("where the platform has not twice as much, what is needed is enough; without that it is OUT_OF_MEMORY", () => {
  class Small extends WebAssembly.Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      if (descriptor.initial > 24) throw new RangeError("no more");
      super(descriptor);
    }
  }
  vi.stubGlobal("WebAssembly", { Memory: Small });
  const memory = createGuestMemory();
  const first = memory.reserve("first", 100, "read-write");
  memory.views.u8.fill(7, first.start, first.start + 100);
  memory.reserve("second", 19 << 16, "read");
  expect(memory.views.u8.length).toBe(21 << 16);
  expect(memory.views.u8.subarray(first.start, first.start + 100).every((byte) => byte === 7)).toBe(true);
  const refused = (action: () => unknown): void =>
    expect(action).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
  refused(() => memory.reserve("third", 10 << 16, "read"));
  memory.checkWrite(first.start, 100);
  refused(() => createGuestMemory({ initialBytes: 25 << 16 }));
});
