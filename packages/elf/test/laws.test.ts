import { isBpfkitError } from "@bpfkit/core";
import { decode } from "@bpfkit/isa";
import { describe, expect, test } from "vitest";
import { parseObject } from "../src/index.js";
import { fixtureBytes, fixturePaths, targets } from "./support.js";

describe.each(fixturePaths())("%s", (path) => {
  const bytes = fixtureBytes(path);
  const object = parseObject(bytes, { file: path });

  test("parsing twice gives equal data, and leaves the bytes alone", () => {
    const before = bytes.slice();
    expect(parseObject(bytes, { file: path })).toEqual(object);
    expect(bytes).toEqual(before);
  });

  test("the description is plain data", () => {
    expect(structuredClone(object)).toEqual(object);
  });

  test("programs are whole: valid code, calls that arrive, references at loads and calls", () => {
    for (const program of object.programs) {
      const slots = new Map<number, number>();
      let slot = 0;
      for (const { opcode } of decode(program.code)) {
        slots.set(slot, opcode);
        slot += opcode === 0x18 ? 2 : 1;
      }
      expect(targets(program)).not.toContain("?");
      expect(program.subprograms[0]).toMatchObject({ name: program.name, start: 0 });
      for (const { start } of program.subprograms) expect(slots.has(start)).toBe(true);
      for (const reference of program.references) expect([0x18, 0x85]).toContain(slots.get(reference.slot));
      const starts = program.subprograms.map(({ start }) => Number(start));
      expect(starts).toEqual([...starts].sort((a, b) => a - b));
    }
  });

  test("references and slots name what is there", () => {
    const maps = new Set(object.maps.map(({ name }) => name));
    const programs = new Set(object.programs.map(({ name }) => name));
    for (const { references } of object.programs) {
      for (const reference of references) if (reference.kind !== "extern") expect(maps).toContain(reference.map);
    }
    for (const { slots } of object.maps) {
      for (const { of, name } of slots ?? []) expect(of === "map" ? maps : programs).toContain(name);
    }
  });
});

test("errors of a damaged object are known by their shape", () => {
  const bytes = fixtureBytes("v3/calls.o").subarray(0, 100);
  expect(() => parseObject(bytes)).toThrow(expect.objectContaining({ code: "DAMAGED" }));
  try {
    parseObject(bytes);
  } catch (error) {
    expect(isBpfkitError(error)).toBe(true);
  }
});
