import { MemoryFault } from "@bpfkit/core";
import { createGuestMemory, LOWEST_MAPPED } from "@bpfkit/memory";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

function fault(action: () => void): MemoryFault {
  try {
    action();
  } catch (error) {
    if (error instanceof MemoryFault) return error;
    throw error;
  }
  throw new Error("no fault");
}

describe("what is mapped", () => {
  const memory = createGuestMemory();
  const values = memory.reserve("the values of map `counters`", 3 * 72, "none");
  for (let index = 0; index < 3; index++) memory.permit(values.start + index * 72, 60, "read-write");
  memory.describe(values.start, "the value of map `counters`", 60, 72, 3);
  const readOnly = memory.reserve("the context", 20, "read");

  test.each([
    ["first byte", values.start, 1],
    ["whole value", values.start, 60],
    ["last byte", values.start + 59, 1],
    ["second value", values.start + 72, 60],
    ["across granules", values.start + 5, 8],
    ["nothing at all", values.start + 60, 0],
  ])("%s may be read and written", (_, address, size) => {
    memory.checkRead(address, size);
    memory.checkWrite(address, size);
  });

  test.each([
    [
      "one past the end",
      values.start + 60,
      1,
      "read of 1 byte at 0x{}, 0 past the end of the value of map `counters` at index 0 (60 bytes)",
    ],
    [
      "4 past the end",
      values.start + 64,
      8,
      "read of 8 bytes at 0x{}, 4 past the end of the value of map `counters` at index 0 (60 bytes)",
    ],
    [
      "across the end",
      values.start + 56,
      8,
      "read of 8 bytes at 0x{}, at offset 56 of the value of map `counters` at index 0 (60 bytes), 4 past its end",
    ],
    [
      "before the first",
      values.start - 8,
      4,
      "read of 4 bytes at 0x{}, 8 before the start of the value of map `counters` at index 0 (60 bytes)",
    ],
    ["null", 24, 8, "read of 8 bytes at 0x{}, a null pointer plus 24"],
  ])("%s faults", (_, address, size, message) => {
    const error = fault(() => memory.checkRead(address, size));
    expect(error.message).toBe(message.replace("{}", address.toString(16)));
    expect(error).toMatchObject({ code: "MEMORY_FAULT", access: "read", address: BigInt(address), size });
  });

  test("read-only memory can be read and not written", () => {
    memory.checkRead(readOnly.start, 20);
    expect(fault(() => memory.checkWrite(readOnly.start + 4, 4)).message).toMatch(
      /write of 4 bytes at 0x[0-9a-f]+, at offset 4 of the context \(20 bytes\), which does not permit it/,
    );
  });

  test("bits above 32 are named", () => {
    expect(memory.explain("read", 0x1_0000_0000n, 8)).toContain("bits 32 to 63 are not zero");
  });
});

test("objects may go down from the first", () => {
  const memory = createGuestMemory();
  const { start } = memory.reserve("frames", 300, "none");
  memory.describe(start + 200, "the frame", 50, -100, 3);
  const at = (address: number): string => memory.explain("read", BigInt(address), 4).replace(/^.*?, /, "");
  expect(at(start + 200)).toBe("at offset 0 of the frame at index 0 (50 bytes), which does not permit it");
  expect(at(start + 190)).toBe("10 before the start of the frame at index 0 (50 bytes)");
  expect(at(start + 149)).toBe("at offset 49 of the frame at index 1 (50 bytes), 3 past its end");
  expect(at(start + 10)).toBe("at offset 10 of the frame at index 2 (50 bytes), which does not permit it");
});

test("growing keeps bytes and permissions, and changes the epoch", () => {
  const memory = createGuestMemory({ initialBytes: 65_536 });
  const first = memory.reserve("first", 100, "read-write");
  memory.views.u8[first.start] = 7;
  const { epoch } = memory.views;
  memory.reserve("second", 10_000_000, "read");
  expect(memory.views.epoch).toBeGreaterThan(epoch);
  expect(memory.views.u8[first.start]).toBe(7);
  memory.checkWrite(first.start, 100);
});

test.each([
  ["past the limit", () => createGuestMemory({ maxBytes: 1 << 20 }).reserve("big", 2 << 20, "read"), "OUT_OF_MEMORY"],
  ["a negative size", () => createGuestMemory().reserve("odd", -1, "read"), "BAD_SIZE"],
  [
    "while a run is active",
    () => {
      const memory = createGuestMemory();
      memory.enterRun();
      memory.reserve("late", 100 << 20, "read");
    },
    "GROWTH_IN_RUN",
  ],
])("%s is refused", (_, action, code) => {
  expect(action).toThrow(expect.objectContaining({ code }));
});

test("released memory is invalid, zeroed, and used again", () => {
  const memory = createGuestMemory();
  const region = memory.reserve("a", 4096, "read-write");
  memory.views.u8.fill(9, region.start, region.start + 4096);
  memory.release(region);
  expect(() => memory.checkRead(region.start, 1)).toThrow(MemoryFault);
  const again = memory.reserve("b", 4000, "read-write");
  expect(again.start).toBe(region.start);
  expect(memory.views.u8[again.start]).toBe(0);
  expect(() => memory.checkRead(again.start + 4000, 1)).toThrow(/0 past the end of b \(4000 bytes\)/);
});

test("law: an access is allowed exactly where a bytewise model allows it", () => {
  const operations = fc.array(
    fc.record({
      granule: fc.nat(30),
      size: fc.nat(60),
      permission: fc.constantFrom("none" as const, "read" as const, "read-write" as const),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(operations, fc.nat(300), fc.integer({ min: 1, max: 16 }), (list, offset, size) => {
      const memory = createGuestMemory();
      const { start } = memory.reserve("model", 320, "none");
      const readable = new Array<boolean>(400).fill(false);
      for (const operation of list) {
        const from = operation.granule * 8;
        memory.permit(start + from, operation.size, operation.permission);
        const whole = Math.ceil((from + operation.size) / 8) * 8;
        for (let index = from; index < whole; index++) {
          readable[index] = index < from + operation.size && operation.permission !== "none";
        }
      }
      const allowed = readable.slice(offset, offset + size).every(Boolean);
      let ok = true;
      try {
        memory.checkRead(start + offset, size);
      } catch {
        ok = false;
      }
      expect(ok).toBe(allowed);
    }),
  );
});

test("the lowest 64 KiB are never handed out", () => {
  expect(createGuestMemory().reserve("first", 8, "read").start).toBeGreaterThanOrEqual(LOWEST_MAPPED);
});
