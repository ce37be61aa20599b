import { describe, expect, test } from "vitest";
import { parseObject } from "../src/index.js";
import { buildElf, CALL, CODE, DATA, EXIT, FUNC, GLOBAL, LOAD, OBJECT, SECTION, slots, WEAK } from "./build-elf.js";
import { fixture, programOf, references, targets, VERSIONS } from "./support.js";

describe.each(VERSIONS)("what programs refer to, %s", (version) => {
  test.each([
    ["add_data", ["mapValue globals.data+0"]],
    ["count_bss", ["mapValue globals.bss+0", "mapValue globals.bss+8", "mapValue globals.bss+8"]],
    ["table", ["mapValue globals.rodata+0"]],
    ["letter", ["mapValue globals.rodata+32"]],
    ["literal", ["mapValue .rodata.str1.1+0"]],
    ["squares", ["mapValue .rodata.cst16+0"]],
    ["custom", ["mapValue .data.extra+0", "mapValue .rodata.limits+0"]],
  ])("globals: %s", (name, expected) => {
    expect(references(programOf(fixture(`${version}/globals.o`), name)).sort()).toEqual([...expected].sort());
  });

  test("maps by symbol and by section and offset", () => {
    expect(references(programOf(fixture(`${version}/maps_in_maps.o`), "by_key"))).toEqual(["map table"]);
    expect(references(programOf(fixture(`${version}/static_maps.o`), "bump"))).toEqual(["map hidden_counters"]);
    expect(references(programOf(fixture(`${version}/legacy_maps.o`), "old_hash"))).toEqual([
      "map old_table",
      "map old_table",
    ]);
  });

  test("what is outside of the object", () => {
    const object = fixture(`${version}/externs.o`);
    expect(object.problems).toEqual([]);
    expect(object.programs.map((program) => [program.name, ...references(program).sort()])).toEqual([
      ["calls_helper_by_name", "extern function missing_function"],
      [
        "calls_kfunc",
        "extern function bpf_known_kfunc",
        "extern weak function bpf_weak_kfunc",
        "extern weak function bpf_weak_kfunc",
      ],
      [
        "reads_kernel",
        "extern variable CONFIG_HZ",
        "extern variable kernel_variable",
        "extern weak variable CONFIG_MAYBE",
      ],
      ["fine"],
    ]);
    const call = programOf(object, "calls_helper_by_name").code.subarray(8, 16);
    expect([...call]).toEqual([0x85, 0x20, 0, 0, 0, 0, 0, 0]);
  });

  test("data with addresses in it: the programs that use it are refused, the others are not", () => {
    const object = fixture(`${version}/addresses.o`);
    expect(object.programs.map(({ name }) => name)).toEqual(["plain"]);
    expect(object.problems.map(({ code, program }) => [code, program])).toEqual([
      ["UNRESOLVED", "by_table"],
      ["UNRESOLVED", "by_function"],
    ]);
    expect(object.problems[0]?.message).toMatch(
      /^addresses\.o, section xdp, program by_table, offset \d+: data at \.data\+8 holds an address/,
    );
  });
});

/** An object of one program section `xdp` with `code`, a `.data` of 16 bytes and relocations of the code. */
function withRelocations(code: Uint8Array, relocations: readonly (readonly [number, number, number])[]) {
  const bytes = buildElf({
    sections: [
      { name: "xdp", ...CODE, data: code },
      { name: ".data", ...DATA, data: new Uint8Array(16) },
      { name: "strange", ...DATA, data: new Uint8Array(16) },
      { name: ".text", ...CODE, data: slots(EXIT, EXIT) },
    ],
    symbols: [
      { name: "main", type: FUNC, binding: GLOBAL, section: 0, size: code.length },
      { name: "value", type: OBJECT, binding: GLOBAL, section: 1, value: 8, size: 8 },
      { type: SECTION, section: 1 },
      { name: "odd", type: OBJECT, binding: GLOBAL, section: 2, size: 8 },
      { name: "common", type: OBJECT, binding: GLOBAL, abs: 0xfff2, value: 4, size: 4 },
      { binding: GLOBAL },
      { name: "gone", binding: WEAK },
      { type: SECTION, section: 3 },
    ],
    relocations: new Map([[0, relocations]]),
  });
  return parseObject(bytes);
}
const [MAIN, VALUE, DATA_SECTION, ODD, COMMON, NAMELESS, GONE, TEXT] = [0, 1, 2, 3, 4, 5, 6, 7];

describe("relocations that make sense", () => {
  test.each<[string, Uint8Array, readonly (readonly [number, number, number])[], string[]]>([
    ["a symbol in data", slots(...LOAD(0), EXIT), [[0, 1, VALUE]], ["mapValue .data+8"]],
    ["a symbol and an addend", slots(...LOAD(4), EXIT), [[0, 1, VALUE]], ["mapValue .data+12"]],
    ["a section and an addend", slots(...LOAD(9), EXIT), [[0, 1, DATA_SECTION]], ["mapValue .data+9"]],
    ["a weak symbol that is nowhere", slots(...LOAD(0), EXIT), [[0, 1, GONE]], ["extern weak variable gone"]],
    ["a weak function that is nowhere", slots(CALL(-1), EXIT), [[0, 10, GONE]], ["extern weak function gone"]],
    ["a relocation that does nothing", slots(EXIT, EXIT), [[0, 0, VALUE]], []],
  ])("%s", (_, code, relocations, expected) => {
    const object = withRelocations(code, relocations);
    expect(object.problems).toEqual([]);
    expect(references(programOf(object, "main"))).toEqual(expected);
  });

  test("a section symbol counts slots in a call, bytes in an address", () => {
    const object = withRelocations(slots(CALL(0), ...LOAD(8), EXIT), [
      [0, 10, TEXT],
      [8, 1, TEXT],
    ]);
    expect(targets(programOf(object, "main"))).toEqual([".text+0x8", ".text+0x8"]);
  });
});

describe("relocations that make none: the program is listed with its error", () => {
  test.each<[string, Uint8Array, readonly (readonly [number, number, number])[], string, string]>([
    ["of another kind", slots(...LOAD(0), EXIT), [[0, 2, VALUE]], "BAD_RELOCATION", "relocation type 2"],
    ["a call's at a load", slots(...LOAD(0), EXIT), [[0, 10, VALUE]], "BAD_RELOCATION", "relocation type 10"],
    ["at an instruction that takes none", slots(EXIT, EXIT), [[0, 1, VALUE]], "BAD_RELOCATION", "opcode 0x95"],
    ["within an instruction", slots(...LOAD(0), EXIT), [[8, 1, VALUE]], "BAD_RELOCATION", "first byte"],
    [
      "two of one instruction",
      slots(CALL(0), EXIT),
      [
        [0, 10, VALUE],
        [0, 10, VALUE],
      ],
      "BAD_RELOCATION",
      "2 relocations",
    ],
    ["a call of data", slots(CALL(0), EXIT), [[0, 10, VALUE]], "UNRESOLVED", "a call of value"],
    [
      "an address outside of the data",
      slots(...LOAD(16), EXIT),
      [[0, 1, VALUE]],
      "UNRESOLVED",
      "symbol value of section .data",
    ],
    [
      "an address before the data",
      slots(...LOAD(-9), EXIT),
      [[0, 1, VALUE]],
      "UNRESOLVED",
      "symbol value of section .data",
    ],
    [
      "a section that is no data",
      slots(...LOAD(0), EXIT),
      [[0, 1, ODD]],
      "UNRESOLVED",
      "symbol odd of section strange",
    ],
    ["a common symbol", slots(...LOAD(0), EXIT), [[0, 1, COMMON]], "UNRESOLVED", "in no section"],
    ["a symbol without name and section", slots(CALL(-1), EXIT), [[0, 10, NAMELESS]], "UNRESOLVED", "neither a name"],
    ["a symbol that does not exist", slots(CALL(-1), EXIT), [[0, 10, 99]], "DAMAGED", "symbol 100 does not exist"],
    ["the middle of a function", slots(CALL(0), EXIT, EXIT), [[0, 10, MAIN]], "UNRESOLVED", "middle of function main"],
    ["a slot behind the section", slots(CALL(50), EXIT), [], "UNRESOLVED", "must be a function's first slot"],
    ["a slot before the section", slots(CALL(-50), EXIT), [], "UNRESOLVED", "must be a function's first slot"],
    ["a load cut off", slots(EXIT, [0x18, 1]), [[8, 1, VALUE]], "DAMAGED", "within a 64-bit load"],
  ])("%s", (_, code, relocations, expected, words) => {
    const { programs, problems } = withRelocations(code, relocations);
    expect(programs).toEqual([]);
    expect(problems).toEqual([expect.objectContaining({ code: expected, program: "main" })]);
    expect(problems[0]?.message).toContain(words);
  });

  test("behind the last instruction", () => {
    const { programs, problems } = withRelocations(slots(EXIT), [[8, 1, VALUE]]);
    expect(programs).toHaveLength(1);
    expect(problems).toEqual([expect.objectContaining({ code: "BAD_RELOCATION" })]);
  });
});
