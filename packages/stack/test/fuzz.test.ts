import { profileFor } from "@bpfkit/abi";
import { isBpfkitError, slotIndex } from "@bpfkit/core";
import { build, encode, type Instruction, ROWS, rowOf, slotsOf } from "@bpfkit/isa";
import { analyseStack, reportStack } from "@bpfkit/stack";
import fc from "fast-check";
import { expect, test } from "vitest";
import { JUMPS } from "./programs.js";

const RUNS = Number(process.env["BPFKIT_FUZZ_RUNS"] ?? 500);

/** Any valid instruction, its jumps short and its calls anywhere near. */
const instruction: fc.Arbitrary<Instruction> = fc
  .record({
    row: fc.constantFrom(...ROWS),
    dst: fc.nat(10),
    src: fc.nat(10),
    offset: fc.integer({ min: -4, max: 4 }),
    imm: fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constantFrom(12, 181, 164, 2 ** 31 - 1)),
  })
  .map(({ row, ...fields }) => {
    const used = Object.fromEntries(row.fields.map((field) => [field, field === "nextImm" ? 0 : fields[field]]));
    const zero = { opcode: row.opcode, dst: 0, src: 0, offset: 0, imm: 0, ...(row.slots === 2 ? { nextImm: 0 } : {}) };
    return { ...zero, ...row.select, ...used };
  });

/** Slots that calls and functions' addresses lead to, where an instruction begins. */
function calledSlots(code: readonly Instruction[]): number[] {
  let end = 0;
  const slots = code.map((one) => {
    const slot = end;
    end += slotsOf(one);
    return slot;
  });
  const called = code.flatMap((one, at) => {
    const { name } = rowOf(one);
    return name === "callLocal" || name === "lddwCode" ? [slots[at]! + 1 + one.imm] : [];
  });
  return [...new Set(called)].filter((slot) => slot > 0 && slots.includes(slot));
}

/** Whether the code could be read. */
function analyse(code: Uint8Array, at: readonly number[]): boolean {
  const subprograms = [0, ...[...at].sort((a, b) => a - b)].map((start) => ({
    name: `f${start}`,
    start: slotIndex(start),
    linkage: "static" as const,
  }));
  const program = { name: "f0", type: "xdp", code, subprograms, references: [] };
  try {
    const { worst } = reportStack(analyseStack({ programs: [program], maps: [JUMPS] }), profileFor()).programs[0]!;
    expect(worst.bytes).toBeLessThanOrEqual(34 * 8 * 512);
    return true;
  } catch (error) {
    if (!isBpfkitError(error)) throw error;
    expect(error.code).toBe("BAD_CODE");
    return false;
  }
}

const starts = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 4 });

test("hostile bytes end in a report or a typed error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), starts, (bytes, at) => void analyse(bytes, at)),
    { numRuns: RUNS },
  );
});

test("hostile instructions end in a report or a typed error, and many in a report", () => {
  let read = 0;
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 1, maxLength: 12 }), (body) => {
      const code = [...body, build.exit()];
      if (analyse(encode(code), calledSlots(code))) read++;
    }),
    { numRuns: RUNS },
  );
  expect(read).toBeGreaterThan(RUNS / 20);
});
