import { build, type Instruction, ROWS, type Row } from "@bpfkit/isa";
import { Code, Decoder, DecoderOptions } from "iced-x86";
import { describe, expect, test } from "vitest";
import { type CompiledProgram, compileProgram } from "../src/index.js";
import { TRANSLATIONS } from "../src/translate.js";
import { contextOf, LEVELS, programOf } from "./helpers.js";

/** An instruction of a row whose fields are all in use, one slot before where it may jump to. */
function instanceOf(row: Row): Instruction {
  const has = (field: Row["fields"][number]): boolean => row.fields.includes(field);
  const basic = {
    opcode: row.opcode,
    dst: has("dst") ? 2 : 0,
    src: has("src") ? 7 : 0,
    offset: has("offset") ? (row.target === "offset" ? 0 : 8) : 0,
    imm: has("imm") ? (row.target === "imm" ? row.slots - 1 : 77) : 0,
    ...row.select,
  };
  return row.slots === 2 ? { ...basic, nextImm: has("nextImm") ? 5 : 0 } : basic;
}

/** Whether all of an image is valid machine code, from its first byte to its last. */
function decodes({ bytes, images }: CompiledProgram): boolean {
  return images.every((image) => {
    const decoder = new Decoder(64, bytes.subarray(image.at, image.at + image.bytes.length), DecoderOptions.None);
    while (decoder.canDecode) {
      const instruction = decoder.decode();
      if (Code[instruction.code] === "INVALID") return false;
      instruction.free();
    }
    return true;
  });
}

describe("every row of the instruction table", () => {
  test.each(ROWS)("$name has a translation", (row) => {
    expect(TRANSLATIONS[row.index]).toBeTypeOf("function");
  });

  const named = new Set(["lddwMap", "lddwMapValue"]);
  const rows = ROWS.filter((row) => !named.has(row.name));

  describe.each(LEVELS)("%s", (safety) => {
    test.each(rows)("$name becomes valid machine code, with and without BMI2", (row) => {
      const program = programOf([build.mov64.imm(0, 0), instanceOf(row), build.exit()]);
      for (const bmi2 of [true, false]) {
        expect(decodes(compileProgram(program, contextOf(safety, { bmi2 })))).toBe(true);
      }
    });
  });
});

describe("the last pass", () => {
  const program = programOf(
    [
      build.callLocal(2),
      build.callLocal(1),
      build.exit(),
      build.callLocal(1),
      build.exit(),
      build.mov64.imm(0, 1),
      build.exit(),
    ],
    [3, 5],
  );

  test.each(LEVELS)("%s: fills calls in and changes neither size nor place of an image", (safety) => {
    const { bytes, images, fixups, stubs } = compileProgram(program, contextOf(safety));
    const calls = fixups.filter(({ target }) => target >= 0);
    expect(calls.map(({ target }) => target)).toEqual([3, 3, 5]);
    for (const { at, before, after, target } of calls) {
      expect(before).toBe(0);
      expect(at + 4 + after).toBe(images.find(({ start }) => start === target)!.at);
    }
    const waiting = new Set(fixups.flatMap(({ at }) => [at, at + 1, at + 2, at + 3]));
    for (const image of images) {
      image.bytes.forEach((byte, at) => {
        if (!waiting.has(image.at + at)) expect(bytes[image.at + at]).toBe(byte);
      });
    }
    for (const { at, after, target } of fixups.filter((fixup) => fixup.target < 0)) {
      expect(at + 4 + after).toBe(stubs.at.get(target));
    }
  });
});

describe("frames", () => {
  const saved = (instructions: Instruction[]): number =>
    compileProgram(programOf(instructions, [2]), contextOf("confined")).images[1]!.savedBytes;

  test.each([
    ["nothing where r6–r9 are not written", [build.mov64.imm(0, 1)], 0],
    ["r6 alone", [build.mov64.imm(6, 1)], 8],
    ["r7 and r9, of a fetch too", [build.mov64.imm(9, 1), build.atomicFetchAdd64(10, -8, 7)], 16],
  ])("save %s", (_, body, bytes) => {
    expect(saved([build.callLocal(1), build.exit(), ...body, build.exit()])).toBe(bytes);
  });
});
