import { closeSync, openSync } from "node:fs";
import { errnoName, SYSCALLS, syscall } from "@bpfkit/native";
import { describe, expect, test } from "vitest";
import { nativeMissing } from "./here.js";

const GETPID = 39;
const READ = 0;
const PREAD64 = 17;

describe.skipIf(nativeMissing !== "")(`system calls${nativeMissing}`, () => {
  test("return what the kernel returns", () => {
    expect(syscall(GETPID)).toBe(process.pid);
  });

  test.each([
    { name: "close of no descriptor", number: SYSCALLS.close, args: [-1], errno: "EBADF" },
    { name: "an unknown number", number: 9999, args: [], errno: "ENOSYS" },
    { name: "mmap of nothing", number: SYSCALLS.mmap, args: [0, 0, 3, 0x22, -1, 0], errno: "EINVAL" },
    { name: "mprotect of an odd address", number: SYSCALLS.mprotect, args: [1n, 4096, 0], errno: "EINVAL" },
  ])("give the negative errno: $name", ({ number, args, errno }) => {
    const result = syscall(number, ...args);
    expect(result).toBeLessThan(0);
    expect(errnoName(result)).toBe(errno);
  });

  test("take data by its address, with offsets of views respected", () => {
    const file = "/proc/self/exe";
    const descriptor = openSync(file, "r");
    try {
      const buffer = new Uint8Array(16);
      expect(syscall(READ, descriptor, buffer.subarray(8), 4)).toBe(4);
      expect(Array.from(buffer.subarray(8, 12))).toEqual([0x7f, 0x45, 0x4c, 0x46]);
      expect(buffer.subarray(0, 8)).toEqual(new Uint8Array(8));
      expect(syscall(PREAD64, descriptor, buffer, 4, 1n)).toBe(4);
      expect(buffer[0]).toBe(0x45);
      expect(errnoName(syscall(READ, descriptor, null, 4))).toBe("EFAULT");
    } finally {
      closeSync(descriptor);
    }
  });

  test("have at most six arguments", () => {
    expect(() => syscall(GETPID, 1, 2, 3, 4, 5, 6, 7)).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }));
  });
});

test.each([
  [-22, "EINVAL"],
  [22, "EINVAL"],
  [11, "EAGAIN"],
  [524, "ENOTSUPP"],
  [95, "EOPNOTSUPP"],
  [7777, "E7777"],
])("errno %i is %s", (errno, name) => {
  expect(errnoName(errno)).toBe(name);
});
