import { readFileSync } from "node:fs";
import { type BtfType, encodeBtf } from "@bpfkit/btf";
import { describe, expect, test } from "vitest";
import { parseObject, readElf } from "../src/index.js";
import { buildElf, CODE, DATA, EXIT, FUNC, GLOBAL, join, LOAD, OBJECT, slots, words } from "./build-elf.js";
import { fixture, fixtureBytes, VERSIONS } from "./support.js";

const U32 = { keySize: 4, valueSize: 4 };

describe.each(VERSIONS)("maps of fixtures, %s", (version) => {
  test("types, sizes, flags, BTF types", () => {
    const { maps } = fixture(`${version}/data_maps.o`);
    expect(maps).toEqual([
      { name: "counters", type: "array", keySize: 4, valueSize: 8, maxEntries: 4, flags: 0, ...anyTypes },
      { name: "each_cpu", type: "percpu_array", ...U32, maxEntries: 1, flags: 0, ...anyTypes },
      { name: "seen", type: "hash", keySize: 8, valueSize: 8, maxEntries: 16, flags: 1, ...anyTypes },
    ]);
  });

  test("a program array filled by .values", () => {
    const { maps } = fixture(`${version}/tail_calls.o`);
    expect(maps.find(({ name }) => name === "jumps")).toEqual({
      name: "jumps",
      type: "prog_array",
      ...U32,
      maxEntries: 4,
      flags: 0,
      slots: [
        { index: 0, of: "program", name: "leaf" },
        { index: 2, of: "program", name: "counter" },
        { index: 3, of: "program", name: "chain" },
      ],
    });
  });

  test("maps in maps filled by .values", () => {
    const { maps } = fixture(`${version}/maps_in_maps.o`);
    const inner = { type: "array", ...U32, maxEntries: 2, flags: 0, ...anyTypes };
    expect(maps.find(({ name }) => name === "outer")).toMatchObject({
      type: "array_of_maps",
      inner: { name: "outer.inner", ...inner },
      slots: [
        { index: 0, of: "map", name: "first" },
        { index: 2, of: "map", name: "second" },
      ],
    });
    expect(maps.find(({ name }) => name === "table")).toMatchObject({
      type: "hash_of_maps",
      maxEntries: 8,
      inner: { name: "table.inner", ...inner },
      slots: [
        { index: 1, of: "map", name: "first" },
        { index: 3, of: "map", name: "second" },
      ],
    });
  });

  test("static maps, by section and offset", () => {
    const { maps } = fixture(`${version}/static_maps.o`);
    expect(maps.find(({ name }) => name === "slots")?.slots).toEqual([
      { index: 0, of: "map", name: "hidden_counters" },
      { index: 1, of: "map", name: "first_in_section" },
    ]);
  });

  test("legacy maps, license and version", () => {
    const object = fixture(`${version}/legacy_maps.o`);
    expect(object.maps).toEqual([
      { name: "old_counters", type: "array", keySize: 4, valueSize: 8, maxEntries: 2, flags: 0 },
      { name: "old_table", type: "hash", ...U32, maxEntries: 64, flags: 1 },
    ]);
    expect([object.license, object.version]).toEqual(["GPL", 0x41200]);
  });

  test("global data", () => {
    const object = fixture(`${version}/globals.o`);
    const bytes = (name: string) => Buffer.from(object.maps.find((map) => map.section === name)?.contents ?? []);
    expect(object.maps.map((map) => [map.name, map.section, map.valueSize, map.flags, map.frozen])).toEqual([
      ["globals.data", ".data", 4, 0x400, undefined],
      [".data.extra", ".data.extra", 4, 0x400, undefined],
      [".rodata.limits", ".rodata.limits", 4, 0x480, true],
      ["globals.bss", ".bss", 24, 0x400, undefined],
      ["globals.rodata", ".rodata", 39, 0x80, true],
      [".rodata.str1.1", ".rodata.str1.1", 12, 0x80, true],
      [".rodata.cst16", ".rodata.cst16", 16, 0x80, true],
    ]);
    expect(bytes(".data").readInt32LE()).toBe(40);
    expect(bytes(".rodata").toString("latin1", 32)).toBe("bpfkit\0");
    expect(object.maps.find((map) => map.section === ".bss")?.contents).toBeUndefined();
    expect(object.variables.filter(({ map }) => map === "globals.bss")).toEqual([
      { name: "hits", map: "globals.bss", offset: 0, size: 8, static: false },
      { name: "last", map: "globals.bss", offset: 8, size: 16, static: true },
    ]);
  });
});

const anyTypes = { btfKeyTypeId: expect.any(Number), btfValueTypeId: expect.any(Number) };

test.each([
  ["globals.o", ".bss", "globals.bss"],
  ["a/path/to/globals.bpf.o", ".bss", "globals.bss"],
  ["a\\path\\globals.o", ".bss", "globals.bss"],
  ["my_object_name.o", ".rodata", "my_objec.rodata"],
  ["my_object_name.o", ".bss", "my_objec.bss"],
  ["odd-name!.o", ".bss", "odd_name.bss"],
  [undefined, ".bss", ".bss"],
  ["globals.o", ".data.extra", ".data.extra"],
  ["globals.o", ".rodata.str1.1", ".rodata.str1.1"],
])("global data of %s: %s is map %s, as libbpf names it", (file, section, name) => {
  const { maps } = parseObject(fixtureBytes("v3/globals.o"), file === undefined ? {} : { file });
  expect(maps.find((map) => map.section === section)?.name).toBe(name);
});

/** An object with a section `maps` of definitions, each named by a symbol at its offset. */
function legacy(definitions: Readonly<Record<string, Uint8Array>>, section = "maps", code = "xdp") {
  const names = Object.keys(definitions);
  let offset = 0;
  const symbols = names.map((name) => {
    const symbol = { name, type: OBJECT, binding: GLOBAL, section: 0, value: offset };
    offset += definitions[name]!.length;
    return symbol;
  });
  return parseObject(
    buildElf({
      sections: [
        { name: section, ...DATA, data: join(...Object.values(definitions)) },
        { name: code, ...CODE, data: slots(EXIT) },
      ],
      symbols: [...symbols, { name: "main", type: FUNC, binding: GLOBAL, section: 1, size: 8 }],
    }),
  );
}

describe("legacy maps of other loaders", () => {
  test("kernel samples: an inner map by its index", () => {
    const { maps, problems } = legacy({ outer: words(12, 4, 4, 8, 0, 1, 0), inner: words(2, 4, 8, 1, 0, 0, 0) });
    expect(problems).toEqual([]);
    expect(maps[0]).toMatchObject({ type: "array_of_maps", inner: { name: "inner", type: "array", valueSize: 8 } });
    expect(maps[0]?.slots).toBeUndefined();
  });

  test("iproute2: an inner map by its id, put into the outer one; sections that fill slots", () => {
    const { maps, problems } = legacy(
      {
        inner: words(2, 4, 4, 1, 0, 42, 2, 0, 3),
        outer: words(12, 4, 4, 8, 0, 0, 2, 42, 0),
        jumps: words(3, 4, 4, 8, 0, 7, 2, 0, 0),
      },
      "maps",
      "7/0x5",
    );
    expect(problems).toEqual([]);
    expect(maps).toEqual([
      { name: "inner", type: "array", ...U32, maxEntries: 1, flags: 0, pinning: 2 },
      {
        name: "outer",
        type: "array_of_maps",
        ...U32,
        maxEntries: 8,
        flags: 0,
        pinning: 2,
        inner: { name: "inner", type: "array", ...U32, maxEntries: 1, flags: 0, pinning: 2 },
        slots: [{ index: 3, of: "map", name: "inner" }],
      },
      {
        name: "jumps",
        type: "prog_array",
        ...U32,
        maxEntries: 8,
        flags: 0,
        pinning: 2,
        slots: [{ index: 5, of: "program", name: "main" }],
      },
    ]);
  });

  test("one map a section", () => {
    expect(legacy({ only: words(1, 4, 4, 1, 0) }, "maps/only").maps[0]?.name).toBe("only");
  });

  test.each<[string, Readonly<Record<string, Uint8Array>>, string]>([
    ["a type no kernel has", { bad: words(999, 4, 4, 1, 0) }, "map bad: map type 999 does not exist"],
    ["type 0", { bad: words(0, 4, 4, 1, 0) }, "map type 0"],
    ["a definition cut off", { bad: words(1, 4, 4) }, "12 bytes; the shortest has 20"],
    ["an inner map that is not there", { bad: words(12, 4, 4, 1, 0, 9, 0) }, "inner map is not defined"],
    ["an inner map that is itself", { bad: words(12, 4, 4, 1, 0, 0, 0) }, "inner map is not defined"],
  ])("%s", (_, definitions, message) => {
    const { maps, problems } = legacy(definitions);
    expect(maps).toEqual([]);
    expect(problems).toEqual([expect.objectContaining({ code: "BAD_MAP", map: "bad" })]);
    expect(problems[0]?.message).toContain(message);
  });
});

/** Types of a map `bad` in `.maps` whose definition has the members given; type 1 is int, 2 a pointer to int[5]. */
function btfMap(members: readonly (readonly [name: string, type: number])[], more: readonly BtfType[] = []) {
  const struct = {
    kind: "struct" as const,
    name: "",
    size: members.length * 8,
    members: members.map(([name, type], i) => ({ name, type, bitOffset: i * 64, bitSize: 0 })),
  };
  const types: BtfType[] = [
    { kind: "int", name: "int", size: 4, bits: 32, offset: 0, encoding: 1 },
    { kind: "ptr", name: "", type: 3 },
    { kind: "array", name: "", type: 1, indexType: 1, length: 5 },
    { kind: "ptr", name: "", type: 1 },
    { kind: "ptr", name: "", type: 0 },
    struct,
    { kind: "var", name: "bad", type: 6, linkage: "global" },
    { kind: "datasec", name: ".maps", size: 0, variables: [{ type: 7, offset: 0, size: struct.size }] },
    ...more,
  ];
  return parseObject(
    buildElf({
      sections: [
        { name: ".maps", ...DATA, data: new Uint8Array(struct.size) },
        { name: ".BTF", data: encodeBtf(types) },
      ],
      symbols: [{ name: "bad", type: OBJECT, binding: GLOBAL, section: 0, size: struct.size }],
    }),
  );
}

describe("BTF maps", () => {
  test("numbers, sizes by type, map_extra as an enumeration, pinning", () => {
    const more: BtfType[] = [
      { kind: "enum64", name: "", size: 8, signed: false, values: [{ name: "unique", value: 2n ** 40n }] },
    ];
    const members = [
      ["type", 2],
      ["key", 4],
      ["value_size", 2],
      ["max_entries", 2],
      ["pinning", 2],
      ["map_extra", 9],
    ] as const;
    const { maps, problems } = btfMap(members, more);
    expect(problems).toEqual([]);
    expect(maps).toEqual([
      {
        name: "bad",
        type: "percpu_hash",
        keySize: 4,
        btfKeyTypeId: 1,
        valueSize: 5,
        maxEntries: 5,
        flags: 0,
        pinning: 5,
        extra: 2n ** 40n,
      },
    ]);
  });

  test.each<[string, readonly (readonly [string, number])[], string]>([
    ["without a type", [["max_entries", 2]], "its type is missing"],
    [
      "with an unknown member",
      [
        ["type", 2],
        ["colour", 2],
      ],
      "unknown member colour",
    ],
    ["with a number that is none", [["type", 4]], "member type is no number"],
    [
      "with a type that is no pointer",
      [
        ["type", 2],
        ["key", 1],
      ],
      "member key is a int, not a pointer",
    ],
    [
      "with a key of no size",
      [
        ["type", 2],
        ["key", 5],
      ],
      "has no size",
    ],
    [
      "with two sizes",
      [
        ["type", 2],
        ["key", 4],
        ["key_size", 2],
      ],
      "keySize is both 4 and 5",
    ],
    [
      "with values that are no array",
      [
        ["type", 2],
        ["values", 1],
      ],
      "its values are a int",
    ],
    [
      "with values that are no pointers",
      [
        ["type", 2],
        ["values", 3],
      ],
      "its values are of kind int",
    ],
    [
      "whose inner map is no struct",
      [
        ["type", 2],
        ["values", 9],
      ],
      "is a int, not a struct",
    ],
  ])("%s", (_, members, message) => {
    const { maps, problems } = btfMap(members, [{ kind: "array", name: "", type: 4, indexType: 1, length: 0 }]);
    expect(maps).toEqual([]);
    expect(problems).toEqual([expect.objectContaining({ code: "BAD_MAP", map: "bad" })]);
    expect(problems[0]?.message).toContain(message);
  });

  test("without BTF there is one line about it", () => {
    const bytes = buildElf({ sections: [{ name: ".maps", ...DATA, data: new Uint8Array(32) }] });
    expect(parseObject(bytes).problems).toEqual([expect.objectContaining({ code: "BAD_MAP" })]);
  });

  test("damaged BTF is one problem, not the end", () => {
    const bytes = buildElf({
      sections: [
        { name: ".BTF", data: Uint8Array.of(0x9f, 0xeb, 1) },
        { name: "xdp", ...CODE, data: slots(EXIT) },
      ],
    });
    const object = parseObject(bytes);
    expect(object.programs).toHaveLength(1);
    expect(object.problems).toEqual([expect.objectContaining({ code: "DAMAGED" })]);
  });
});

test("a second map of the same name is a problem, and so are the programs that use it", () => {
  const definition = words(1, 4, 4, 1, 0);
  const map = (section: number) => ({ name: "twice", type: OBJECT, binding: GLOBAL, section, size: 20 });
  const object = parseObject(
    buildElf({
      sections: [
        { name: "maps/a", ...DATA, data: definition },
        { name: "maps/b", ...DATA, data: definition },
        { name: "xdp", ...CODE, data: slots(...LOAD(0), EXIT, ...LOAD(0), EXIT) },
      ],
      symbols: [
        map(0),
        map(1),
        { name: "first", type: FUNC, binding: GLOBAL, section: 2, size: 24 },
        { name: "second", type: FUNC, binding: GLOBAL, section: 2, value: 24, size: 24 },
      ],
      relocations: new Map([[2, [[0, 1, 0] as const, [24, 1, 1] as const]]]),
    }),
  );
  expect(object.maps).toHaveLength(1);
  expect(object.programs.map(({ name }) => name)).toEqual(["first"]);
  expect(object.problems).toMatchObject([
    { code: "DUPLICATE_NAME", map: "twice" },
    { code: "DUPLICATE_NAME", program: "second" },
  ]);
});

test("what is not read is said", () => {
  const object = parseObject(buildElf({ sections: [{ name: ".struct_ops.link", ...DATA, data: new Uint8Array(8) }] }));
  expect(object.problems).toEqual([expect.objectContaining({ code: "UNSUPPORTED" })]);
});

test("damaged .BTF.ext takes the lines away, not the maps", () => {
  const bytes = fixtureBytes("v3/data_maps.o");
  const elf = readElf(bytes);
  bytes[elf.sections.find(({ name }) => name === ".BTF.ext")!.offset] = 0;
  const object = parseObject(bytes);
  expect(object.problems).toEqual([expect.objectContaining({ code: "NOT_BTF" })]);
  expect(object.maps).toHaveLength(3);
  expect(object.programs[0]?.btf?.lines).toHaveLength(0);
});

test("the object's bytes may be a Node Buffer, whose slice does not copy, and change later", () => {
  const buffer = readFileSync(new URL("../../../tools/fixtures/objects/v3/globals.o", import.meta.url));
  const object = parseObject(buffer, { file: "globals.o" });
  const before = structuredClone(object);
  buffer.fill(0);
  expect(object).toEqual(before);
  expect(object).toEqual(fixture("v3/globals.o"));
});
