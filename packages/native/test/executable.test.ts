import { readFileSync } from "node:fs";
import { executableMemory } from "@bpfkit/native";
import { describe, expect, test } from "vitest";
import { executableMissing } from "./here.js";

/** lea rax, [rdi + rsi]; ret */
const SUM = Uint8Array.of(0x48, 0x8d, 0x04, 0x37, 0xc3);
/** mov rax, rcx; sub rax, rdx; ret */
const FOURTH_MINUS_THIRD = Uint8Array.of(0x48, 0x89, 0xc8, 0x48, 0x29, 0xd0, 0xc3);

/** The permissions of the page at an address, as the kernel has them; undefined where nothing is mapped. */
function permissionsAt(address: bigint): string | undefined {
  for (const line of readFileSync("/proc/self/maps", "latin1").split("\n")) {
    const row = /^([0-9a-f]+)-([0-9a-f]+) (\S{4})/.exec(line);
    if (row !== null && BigInt(`0x${row[1]}`) <= address && address < BigInt(`0x${row[2]}`)) return row[3]!;
  }
  return undefined;
}

/** Calls a code address in rdi with edi = 7, esi = 2^32 - 5, twice, and returns the difference of both results. */
function callTwice(): Uint8Array {
  // push rbx; push r12; sub rsp, 8; mov rbx, rdi
  const prologue = [0x53, 0x41, 0x54, 0x48, 0x83, 0xec, 0x08, 0x48, 0x89, 0xfb];
  // mov edi, 7; mov esi, -5; call rbx
  const call = [0xbf, 7, 0, 0, 0, 0xbe, 0xfb, 0xff, 0xff, 0xff, 0xff, 0xd3];
  // mov r12d, eax
  const keep = [0x41, 0x89, 0xc4];
  // sub r12d, eax; mov eax, r12d; add rsp, 8; pop r12; pop rbx; ret
  const epilogue = [0x41, 0x29, 0xc4, 0x44, 0x89, 0xe0, 0x48, 0x83, 0xc4, 0x08, 0x41, 0x5c, 0x5b, 0xc3];
  return Uint8Array.from([...prologue, ...call, ...keep, ...call, ...epilogue]);
}

describe.skipIf(executableMissing !== "")(`executable memory${executableMissing}`, () => {
  test.each([
    { name: "numbers", a: 40, b: 2, sum: 42n },
    { name: "a 64-bit sum", a: 2n ** 63n, b: 5n, sum: 2n ** 63n + 5n },
    { name: "a sum that wraps", a: 2n ** 64n - 1n, b: 1, sum: 0n },
    { name: "2^53 and its neighbour", a: 2n ** 53n, b: 1n, sum: 2n ** 53n + 1n },
  ])("runs code with $name", ({ a, b, sum }) => {
    const pages = executableMemory.reserve(1);
    pages.seal(SUM);
    expect(pages.entry(0, "u64")(a, b)).toBe(sum);
    expect(pages.entry(0, "i32")(a, b)).toBe(Number(BigInt.asIntN(32, sum)));
    pages.free();
  });

  test("passes four arguments and enters behind the start", () => {
    const pages = executableMemory.reserve(64);
    pages.seal(Uint8Array.from([0xcc, ...FOURTH_MINUS_THIRD]));
    expect(pages.entry(1, "u64")(1, 2, 3, 100)).toBe(97n);
    pages.free();
  });

  test("is writable, then executable, then gone, and never writable and executable", () => {
    const pages = executableMemory.reserve(5000);
    expect(pages.size).toBe(8192);
    expect(permissionsAt(pages.address + 4096n)).toBe("rw-p");
    pages.seal(SUM);
    expect(permissionsAt(pages.address)).toBe("r-xp");
    expect(permissionsAt(pages.address + 4096n)).toBe("r-xp");
    pages.free();
    expect(permissionsAt(pages.address)).toBeUndefined();
  });

  test("refuses what would write or run the wrong page", () => {
    const pages = executableMemory.reserve(4096);
    expect(() => pages.entry(0, "i32")).toThrow(/cannot take an entry of code pages that are writable/);
    expect(() => pages.seal(new Uint8Array(4097))).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }));
    pages.seal(SUM);
    expect(() => pages.seal(SUM)).toThrow(expect.objectContaining({ code: "BAD_STATE" }));
    expect(() => pages.entry(4096, "i32")).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }));
    const entry = pages.entry(0, "i32");
    pages.free();
    pages.free();
    expect(() => entry(1, 2)).toThrow(/cannot call into code pages that are freed/);
    expect(() => executableMemory.reserve(0)).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }));
    expect(() => executableMemory.reserve(2 ** 40)).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }));
  });

  test("gives its pages back: 2,000 compiles leave no mapping", () => {
    const mappings = (): number => readFileSync("/proc/self/maps", "latin1").split("\n").length;
    const before = mappings();
    for (let i = 0; i < 2000; i++) {
      const pages = executableMemory.reserve(4096);
      pages.seal(SUM);
      pages.free();
    }
    expect(mappings()).toBeLessThan(before + 50);
  });

  test("code reads and writes typed arrays and memories at their address", () => {
    // mov rax, [rdi]; mov [rsi], rax; ret
    const pages = executableMemory.reserve(1);
    pages.seal(Uint8Array.of(0x48, 0x8b, 0x07, 0x48, 0x89, 0x06, 0xc3));
    const move = pages.entry(0, "u64");
    for (const shared of [false, true]) {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared });
      const small = BigUint64Array.of(0x1122334455667788n);
      const base = executableMemory.addressOf(memory);
      expect(move(executableMemory.addressOf(small), base + 64n)).toBe(small[0]);
      expect(new BigUint64Array(memory.buffer, 64, 1)[0]).toBe(small[0]);
      expect(executableMemory.addressOf(new Uint8Array(memory.buffer, 64))).toBe(base + 64n);
    }
    pages.free();
  });

  test("calls back into JavaScript with unsigned halves in and a signed one out", () => {
    const calls: number[][] = [];
    const callback = executableMemory.callback((a, b) => {
      calls.push([a, b]);
      return calls.length === 1 ? 2 ** 31 : -1;
    });
    const pages = executableMemory.reserve(1);
    pages.seal(callTwice());
    expect(pages.entry(0, "i32")(callback.address)).toBe(-(2 ** 31) + 1);
    expect(calls).toEqual([
      [7, 2 ** 32 - 5],
      [7, 2 ** 32 - 5],
    ]);
    callback.free();
    callback.free();
    pages.free();
  });

  test("keeps what a callback throws, and native code goes on with -1", () => {
    let calls = 0;
    const callback = executableMemory.callback(() => {
      if (++calls === 1) throw new RangeError("out");
      return 4;
    });
    const pages = executableMemory.reserve(1);
    pages.seal(callTwice());
    expect(pages.entry(0, "i32")(callback.address)).toBe(-5);
    expect(calls).toBe(2);
    expect(callback.takeError()).toEqual(new RangeError("out"));
    expect(callback.takeError()).toBeUndefined();
    callback.free();
    pages.free();
  });

  test("callbacks are given back: 20,000 one after the other are more than the FFI holds at once", () => {
    for (let i = 0; i < 20_000; i++) executableMemory.callback(() => 0).free();
  });
});
