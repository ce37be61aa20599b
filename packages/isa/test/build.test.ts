import { describe, expect, test } from "vitest";
import { build, encode, type Instruction, IsaError, imm64, ROWS, rowOf } from "../src/index.js";

const hex = (instruction: Instruction): string =>
  Array.from(encode([instruction]), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Encodings worked out by hand from RFC 9669 §3.1. */
const CASES: [text: string, instruction: Instruction, wire: string][] = [
  ["r1 += 0x11223344", build.add64.imm(1, 0x11223344), "0701000044332211"],
  ["r1 += r2", build.add64.reg(1, 2), "0f21000000000000"],
  ["w3 s/= w4", build.sdiv32.reg(3, 4), "3c43010000000000"],
  ["r1 = (s32)r2", build.movsx3264Reg(1, 2), "bf21200000000000"],
  ["r1 = be32 r1", build.be32(1), "dc01000020000000"],
  ["if r1 == r2 goto +5", build.jeq.reg(1, 2, 5), "1d21050000000000"],
  ["if w1 s< -1 goto -2", build.jslt32.imm(1, -1, -2), "c601feffffffffff"],
  ["goto -1", build.ja(-1), "0500ffff00000000"],
  ["gotol +70000", build.ja32(70_000), "0600000070110100"],
  ["may_goto +1", build.mayGoto(1), "e500010000000000"],
  ["r0 = *(u32 *)(r1 + 4)", build.ldx.u32(0, 1, 4), "6110040000000000"],
  ["r0 = *(s8 *)(r1 + 4)", build.ldx.s8(0, 1, 4), "9110040000000000"],
  ["*(u8 *)(r10 - 1) = 7", build.st.u8(10, -1, 7), "720affff07000000"],
  ["*(u64 *)(r10 - 8) = r1", build.stx.u64(10, -8, 1), "7b1af8ff00000000"],
  ["lock *(u64 *)(r1 + 0) += r0", build.atomicAdd64(1, 0, 0), "db01000000000000"],
  ["w2 = cmpxchg32_32(r1 + 8, w0, w2)", build.cmpxchg32(1, 8, 2), "c3210800f1000000"],
  ["r0 = load_acquire((u16 *)(r1 + 2))", build.loadAcquire.u16(0, 1, 2), "cb10020000010000"],
  ["store_release((u32 *)(r1 + 2), r3)", build.storeRelease.u32(1, 2, 3), "c331020010010000"],
  ["r1 = 0x1122334455667788 ll", build.lddw(1, 0x1122334455667788n), "18010000887766550000000044332211"],
  ["r1 = -1 ll", build.lddw(1, -1n), "18010000ffffffff00000000ffffffff"],
  ["r2 = map[3]", build.lddwMap(2, 3), "18120000030000000000000000000000"],
  ["r2 = mapval[3] + 8", build.lddwMapValue(2, 3, 8), "18220000030000000000000008000000"],
  ["call 12", build.call(12), "850000000c000000"],
  ["call -2", build.callLocal(-2), "85100000feffffff"],
  ["call kfunc 40", build.callKfunc(40, 1), "8520010028000000"],
  ["exit", build.exit(), "9500000000000000"],
  ["r0 = *(u16 *)skb[r6 + 14]", build.ldInd.u16(6, 14), "486000000e000000"],
];

test.each(CASES)("%s", (_, instruction, wire) => {
  expect(hex(instruction)).toBe(wire);
});

test("imm64 joins both halves, unsigned", () => {
  for (const value of [0n, 1n, 0xffffffffn, 0x80000000n, 1n << 32n, (1n << 63n) - 1n, (1n << 64n) - 1n]) {
    expect(imm64(build.lddw(1, value))).toBe(value);
  }
  expect(imm64(build.lddw(1, -(1n << 63n)))).toBe(1n << 63n);
});

test("every row has a builder", () => {
  const reached = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== "function") for (const inner of Object.values(value as object)) visit(inner);
    // Zeros are operands of every form, once as numbers and once with a 64-bit immediate.
    else {
      try {
        reached.add(rowOf(value(0, 0, 0)).name);
      } catch {
        reached.add(rowOf(value(0, 0n)).name);
      }
    }
  };
  visit(build);
  expect([...reached].sort()).toEqual(ROWS.map((row) => row.name as string).sort());
});

describe("bad operands throw at the call", () => {
  // Values the types already forbid: the callers to protect are in plain JavaScript.
  const any = build as unknown as Record<string, Record<string, (...operands: unknown[]) => unknown>>;
  const cases: [name: string, run: () => unknown, message: string][] = [
    ["register 11", () => any["add64"]!["reg"]!(1, 11), "add64Reg: src must be an integer from 0 to 10, not 11"],
    ["no register", () => any["add64"]!["reg"]!(1), "add64Reg: src must be an integer from 0 to 10, not NaN"],
    [
      "imm of 33 bits",
      () => build.mov32.imm(0, 2 ** 31),
      "mov32Imm: imm must be an integer from -2147483648 to 2147483647, not 2147483648",
    ],
    [
      "far jump",
      () => build.jeq.imm(0, 0, 40_000),
      "jeqImm: offset must be an integer from -32768 to 32767, not 40000",
    ],
    [
      "65 bits",
      () => build.lddw(0, 1n << 64n),
      "lddw: value must be a bigint from -2^63 to 2^64 - 1, not 18446744073709551616",
    ],
    [
      "a number of 64 bits",
      () => (build.lddw as (...o: unknown[]) => unknown)(0, 1),
      "lddw: value must be a bigint from -2^63 to 2^64 - 1, not 1",
    ],
  ];
  test.each(cases)("%s", (_, run, message) => {
    expect(run).toThrow(IsaError);
    expect(run).toThrow(message);
  });
});
