import { describe, expect, test } from "vitest";
import { build, decode, decodeAt, decodeSlots, encode, IsaError, rowOf, validate } from "../src/index.js";

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

function errorOf(run: () => unknown): IsaError {
  try {
    run();
  } catch (error) {
    if (error instanceof IsaError) return error;
    throw error;
  }
  return expect.unreachable("it should have thrown");
}

const NOP = "b700000000000000";

describe("bytes that are no instruction", () => {
  const cases: [name: string, code: string, errorCode: string, message: string][] = [
    ["an undefined opcode", "ff00000000000000", "UNKNOWN_OPCODE", "slot 0: opcode 0xff is no instruction of RFC 9669"],
    ["all zero", "0000000000000000", "UNKNOWN_OPCODE", "slot 0: opcode 0x00 is no instruction of RFC 9669"],
    [
      "callx",
      `${NOP}8d02000000000000`,
      "UNKNOWN_OPCODE",
      "slot 1: callx (call by register, opcode 0x8d) is not part of RFC 9669; call a helper by its id or a subprogram by its distance (opcode 0x85)",
    ],
    [
      "a division with an offset that selects nothing",
      "3f21020000000000",
      "UNKNOWN_FORM",
      "slot 0: opcode 0x3f has no form with offset 0x02; there are 0x00 (div64Reg), 0x01 (sdiv64Reg)",
    ],
    [
      "a call of a fourth kind",
      "8530000001000000",
      "UNKNOWN_FORM",
      "slot 0: opcode 0x85 has no form with source register 0x03; there are 0x00 (call), 0x01 (callLocal), 0x02 (callKfunc)",
    ],
    [
      "a swap of 24 bits",
      "d401000018000000",
      "UNKNOWN_FORM",
      "slot 0: opcode 0xd4 has no form with immediate 0x18; there are 0x10 (le16), 0x20 (le32), 0x40 (le64)",
    ],
    [
      "an atomic without its fetch bit",
      "c3100000e0000000",
      "UNKNOWN_FORM",
      "slot 0: opcode 0xc3 has no form with immediate 0xe0; there are 0x00 (atomicAdd32), 0x40 (atomicOr32), 0x50 (atomicAnd32), 0xa0 (atomicXor32), 0x01 (atomicFetchAdd32), 0x41 (atomicFetchOr32), 0x51 (atomicFetchAnd32), 0xa1 (atomicFetchXor32), 0xe1 (xchg32), 0xf1 (cmpxchg32), 0x100 (loadAcquireW), 0x110 (storeReleaseW)",
    ],
    [
      "an address space cast between spaces there are not",
      "bf21010002000000",
      "UNKNOWN_FORM",
      "slot 0: opcode 0xbf has no form with immediate 0x02; there are 0x01 (addrSpaceCastKernel), 0x10000 (addrSpaceCastUser)",
    ],
    [
      "a 64-bit immediate of an eighth kind",
      "1871000000000000 0000000000000000",
      "UNKNOWN_FORM",
      "slot 0: opcode 0x18 has no form with source register 0x07; there are 0x00 (lddw), 0x01 (lddwMap), 0x02 (lddwMapValue), 0x03 (lddwVariable), 0x04 (lddwCode), 0x05 (lddwMapIndex), 0x06 (lddwMapIndexValue)",
    ],
    [
      "exit with an immediate",
      "9500000001000000",
      "RESERVED_FIELD",
      "slot 0: exit (opcode 0x95) does not use its immediate, which must be 0, not 0x01",
    ],
    [
      "a local call with a destination",
      "8511000001000000",
      "RESERVED_FIELD",
      "slot 0: callLocal (opcode 0x85) does not use its destination register, which must be 0, not 0x01",
    ],
    [
      "a move with a negative offset",
      "b701ffff00000000",
      "RESERVED_FIELD",
      "slot 0: mov64Imm (opcode 0xb7) does not use its offset, which must be 0, not -0x01",
    ],
    [
      "an addition of an immediate with a source",
      "07b1000000000000",
      "RESERVED_FIELD",
      "slot 0: add64Imm (opcode 0x07) does not use its source register, which must be 0, not 0x0b",
    ],
    [
      "register 11",
      "b70b000000000000",
      "BAD_REGISTER",
      "slot 0: mov64Imm (opcode 0xb7) has destination register r11; there are r0 to r10",
    ],
    [
      "source register 15",
      "0ff1000000000000",
      "BAD_REGISTER",
      "slot 0: add64Reg (opcode 0x0f) has source register r15; there are r0 to r10",
    ],
    [
      "a slot cut short",
      `${NOP}b70000`,
      "TRUNCATED",
      "slot 1: the code ends after 3 bytes of this slot, a slot is 8 bytes",
    ],
    [
      "half a 64-bit immediate",
      `${NOP}1801000000000000`,
      "TRUNCATED",
      "slot 1: lddw (opcode 0x18) takes two slots, the code ends after its first",
    ],
    [
      "a 64-bit immediate followed by an instruction",
      "1801000000000000 9500000000000000",
      "RESERVED_FIELD",
      "slot 0: the second slot of lddw (opcode 0x18) must be 0 but for its immediate, it begins 95 00 00 00",
    ],
    [
      "a map with a second immediate",
      "1811000000000000 0000000001000000",
      "RESERVED_FIELD",
      "slot 0: lddwMap (opcode 0x18) does not use its second immediate, which must be 0, not 0x01",
    ],
  ];

  test.each(cases)("%s", (_, hex, code, message) => {
    const wire = bytes(hex);
    const error = errorOf(() => decode(wire));
    expect([error.code, error.message]).toEqual([code, message]);
    for (const check of [validate, decodeSlots]) expect(errorOf(() => check(wire)).message).toBe(message);
    expect(errorOf(() => decodeAt(wire, error.place.slot ?? 0)).message).toBe(message);
  });

  test("no slot there", () => {
    expect(errorOf(() => decodeAt(bytes(NOP), 1)).message).toBe("slot 1: there is no slot 1, the code has 1");
  });

  test("the facts behind the words", () => {
    const error = errorOf(() => decode(bytes("9500000001000000")));
    expect(error.facts).toEqual({ opcode: 0x95, field: "imm", value: 1 });
    expect(error.place).toEqual({ slot: 0 });
  });
});

describe("instructions that cannot be encoded", () => {
  const exit = build.exit();
  const basic = { opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 0 };
  const cases: [name: string, instruction: Parameters<typeof rowOf>[0], code: string, message: string][] = [
    [
      "imm of 33 bits",
      { ...basic, imm: 2 ** 31 },
      "BAD_OPERAND",
      "imm must be an integer from -2147483648 to 2147483647, not 2147483648",
    ],
    [
      "half an offset",
      { ...basic, offset: 0.5 },
      "BAD_OPERAND",
      "offset must be an integer from -32768 to 32767, not 0.5",
    ],
    ["register 11", { ...basic, dst: 11 }, "BAD_REGISTER", "dst must be an integer from 0 to 10, not 11"],
    [
      "a second immediate on one slot",
      { ...basic, nextImm: 0 },
      "BAD_OPERAND",
      "nextImm must be left out, it belongs to 64-bit immediates (opcode 0x18), not 0",
    ],
    [
      "a 64-bit immediate without one",
      { ...basic, opcode: 0x18 },
      "BAD_OPERAND",
      "nextImm must be an integer from -2147483648 to 2147483647, not undefined",
    ],
  ];

  test.each(cases)("%s", (_, instruction, code, message) => {
    const error = errorOf(() => encode([exit, instruction]));
    expect(error.code).toBe(code);
    expect(error.message).toBe(`slot 1: opcode ${instruction.opcode}: ${message}`);
    expect(errorOf(() => rowOf(instruction)).message).toBe(`opcode ${instruction.opcode}: ${message}`);
  });

  test("a reserved field", () => {
    expect(errorOf(() => encode([exit, { ...exit, imm: 1 }])).message).toBe(
      "slot 1: exit (opcode 0x95) does not use its immediate, which must be 0, not 0x01",
    );
  });
});
