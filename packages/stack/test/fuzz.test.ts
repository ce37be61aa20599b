import { profileFor } from "@bpfkit/abi";
import { isBpfkitError, slotIndex } from "@bpfkit/core";
import { encode, type Instruction, ROWS } from "@bpfkit/isa";
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
    offset: fc.integer({ min: -12, max: 12 }),
    imm: fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constantFrom(12, 181, 164, 2 ** 31 - 1)),
  })
  .map(({ row, ...fields }) => {
    const used = Object.fromEntries(row.fields.map((field) => [field, field === "nextImm" ? 0 : fields[field]]));
    const zero = { opcode: row.opcode, dst: 0, src: 0, offset: 0, imm: 0, ...(row.slots === 2 ? { nextImm: 0 } : {}) };
    return { ...zero, ...row.select, ...used };
  });

const starts = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 4 });

function analyse(code: Uint8Array, at: readonly number[]): void {
  const subprograms = [0, ...[...at].sort((a, b) => a - b)].map((start) => ({
    name: `f${start}`,
    start: slotIndex(start),
    linkage: "static" as const,
  }));
  const program = { name: "f0", type: "xdp", code, subprograms, references: [] };
  try {
    const { worst } = reportStack(analyseStack({ programs: [program], maps: [JUMPS] }), profileFor()).programs[0]!;
    expect(worst.bytes).toBeLessThanOrEqual(34 * 8 * 512);
  } catch (error) {
    if (!isBpfkitError(error)) throw error;
    expect(error.code).toBe("BAD_CODE");
  }
}

test("hostile bytes end in a report or a typed error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), starts, (bytes, at) => analyse(bytes, at)),
    { numRuns: RUNS },
  );
});

test("hostile instructions end in a report or a typed error", () => {
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 1, maxLength: 40 }), starts, (code, at) =>
      analyse(encode(code), at),
    ),
    { numRuns: RUNS },
  );
});
