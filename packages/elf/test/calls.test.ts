import { readFileSync } from "node:fs";
import { sourceLineAt } from "@bpfkit/core";
import { describe, expect, test } from "vitest";
import { fixture, programOf, references, subprograms, targets, VERSIONS } from "./support.js";

const SOURCE = readFileSync(new URL("../../../tools/fixtures/c/calls.c", import.meta.url), "utf8").split("\n");

describe.each(VERSIONS)("calls as clang emits them, %s", (version) => {
  const calls = fixture(`${version}/calls.o`);

  test.each([
    ["static_call", ["static_call", "twice_plus_one", "increment"], ["twice_plus_one", "increment"]],
    ["global_call", ["global_call", "scale"], ["scale", "scale"]],
    ["hidden_call", ["hidden_call", "flip"], ["flip"]],
    ["diamond", ["diamond", "left", "bottom", "right"], ["left", "right", "bottom", "bottom", "bottom", "bottom"]],
    ["five", ["five", "weighted"], ["weighted"]],
  ])("%s", (name, expected, called) => {
    const program = programOf(calls, name);
    expect(subprograms(program)).toEqual(expected);
    expect(targets(program)).toEqual(called);
    expect(program.references).toEqual([]);
  });

  test("hidden functions are static to the kernel, others as declared", () => {
    const linkage = (program: string) => programOf(calls, program).subprograms[1]?.linkage;
    expect(["static_call", "global_call", "hidden_call"].map(linkage)).toEqual(["static", "global", "static"]);
  });

  test("each program of a section has its own copy, in the order of first use", () => {
    const several = fixture(`${version}/several.o`);
    expect(several.programs.map((program) => [program.name, ...targets(program)])).toEqual([
      ["forward", "plus_ten", "doubled"],
      ["backward", "doubled", "plus_ten"],
      ["alone"],
      ["deep", "both", "doubled", "doubled", "plus_ten"],
    ]);
    expect(subprograms(programOf(several, "deep"))).toEqual(["deep", "both", "doubled", "plus_ten"]);
  });

  test("static functions inside a program section, called without a relocation", () => {
    const object = fixture(`${version}/same_section.o`);
    expect(object.programs.map(subprograms)).toEqual([
      ["near", "add_hundred"],
      ["nested", "add_and_double", "add_hundred"],
    ]);
    expect(targets(programOf(object, "nested"))).toEqual(["add_and_double", "add_hundred"]);
  });

  test("a call of another section's entry", () => {
    const object = fixture(`${version}/other_section.o`);
    expect(object.programs.map(subprograms)).toEqual([["callee"], ["caller", "callee"]]);
    expect(targets(programOf(object, "caller"))).toEqual(["callee"]);
  });

  test("entries in .text where there is no other section", () => {
    const object = fixture(`${version}/text_only.o`);
    expect(object.programs.map(({ name, section, type }) => [name, section, type])).toEqual([
      ["sum", ".text", "raw"],
      ["length", ".text", "raw"],
    ]);
    expect(targets(programOf(object, "sum"))).toEqual(["sum_bytes"]);
  });

  test("function addresses of callbacks", () => {
    const object = fixture(`${version}/callbacks.o`);
    expect(targets(programOf(object, "loop_static"))).toEqual(["add_index"]);
    expect(targets(programOf(object, "loop_hidden"))).toEqual(["add_two"]);
    const each = programOf(object, "each_elem");
    expect(targets(each)).toEqual(["add_value"]);
    expect(references(each).every((text) => text === "map numbers")).toBe(true);
  });

  test("function and line information move along", () => {
    const program = programOf(calls, "diamond");
    expect(program.btf?.functions.map(({ slot }) => slot)).toEqual(program.subprograms.map(({ start }) => start));
    const lines = program.subprograms.map(({ start }) => sourceLineAt(program, start));
    expect(lines.map((line) => line?.file)).toEqual(Array(4).fill("./calls.c"));
    program.subprograms.forEach(({ name }, index) => {
      const head = SOURCE.findIndex((text) => text.includes(` ${name}(`)) + 1;
      expect(lines[index]!.line - head, name).toBeGreaterThanOrEqual(0);
      expect(lines[index]!.line - head, name).toBeLessThan(5);
      expect(lines[index]!.text).toBe(SOURCE[lines[index]!.line - 1]!.trim());
    });
    const rows = program.btf!.lines;
    for (let row = 4; row < rows.length; row += 4) expect(rows[row]).toBeGreaterThanOrEqual(rows[row - 4]!);
  });
});
