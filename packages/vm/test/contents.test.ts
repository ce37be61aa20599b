import { parseObject } from "@bpfkit/elf";
import { dumpMap, fromHex, load, type MapEntry, seedMap, toHex } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { failing, map, object, program, vmOf } from "./support.js";

const u32 = (value: number): string => toHex(new Uint8Array(Uint32Array.of(value).buffer));

describe("what is written is read back", () => {
  const cases: [string, MapEntry[], { cpus?: number; valueSize?: number; keySize?: number }][] = [
    [
      "array",
      [
        { key: u32(1), value: "1100000000000000" },
        { key: u32(3), value: "ff00000000000000" },
      ],
      {},
    ],
    ["hash", [{ key: "0a0b0c", value: "aabbcc" }], { keySize: 3, valueSize: 3 }],
    ["lru_hash", [{ key: u32(7), value: "0000000000000001" }], {}],
    ["percpu_array", [{ key: u32(0), values: ["0102030405", "0a0b0c0d0e"] }], { cpus: 2, valueSize: 5 }],
    ["percpu_hash", [{ key: u32(9), values: ["01000000", "02000000", "03000000"] }], { cpus: 3, valueSize: 4 }],
    ["lru_percpu_hash", [{ key: u32(9), values: ["0102030405060708"] }], {}],
  ];
  test.each(cases)("%s", (type, entries, { cpus = 1, ...sizes }) => {
    const vm = vmOf({ maps: [map("m", type, sizes)] }, { cpus });
    vm.seed("m", entries);
    expect(vm.dumpMaps()).toEqual({ m: entries });
    // What is printed is taken again.
    const other = vmOf({ maps: [map("m", type, sizes)] }, { cpus });
    other.seed("m", vm.dumpMaps()["m"]!);
    expect(other.dumpMaps()).toEqual(vm.dumpMaps());
  });

  test("one value stands for all CPUs", () => {
    const vm = vmOf({ maps: [map("m", "percpu_array")] }, { cpus: 2 });
    vm.seed("m", [{ key: u32(0), value: "0100000000000000" }]);
    expect(vm.dumpMaps()["m"]).toEqual([{ key: u32(0), values: ["0100000000000000", "0100000000000000"] }]);
  });
});

describe("what is shown", () => {
  test("entries of an array that are all zero only where asked for; those of a hash always", () => {
    const vm = vmOf({ maps: [map("array"), map("hash", "hash")] });
    vm.seed("hash", [{ key: u32(0), value: "00".repeat(8) }]);
    const entry = (key: number) => ({ key: u32(key), value: "00".repeat(8) });
    expect(vm.dumpMaps()).toEqual({ array: [], hash: [entry(0)] });
    expect(vm.dumpMaps({ all: true })["array"]).toEqual([0, 1, 2, 3].map(entry));
  });

  test("an array by index, a hash by key", () => {
    const keys = [256, 1, 2];
    const vm = vmOf({ maps: [map("array", "array", { maxEntries: 300 }), map("hash", "hash")] });
    const entries = keys.map((key) => ({ key: u32(key), value: "01".repeat(8) }));
    vm.seed("array", entries);
    vm.seed("hash", entries);
    const shown = vm.dumpMaps();
    expect(shown["array"]!.map(({ key }) => key)).toEqual([1, 2, 256].map(u32));
    expect(shown["hash"]!.map(({ key }) => key)).toEqual([256, 1, 2].map(u32));
  });

  test("programs and inner maps by name, global data by section", () => {
    const inner = map("inner");
    const vm = vmOf({
      programs: [program("main", "r0 = 1; exit")],
      maps: [
        map("programs", "prog_array", { valueSize: 4, slots: [{ index: 2, of: "program", name: "main" }] }),
        inner,
        map("outer", "array_of_maps", { valueSize: 4, inner, slots: [{ index: 1, of: "map", name: "inner" }] }),
        map("table", "hash_of_maps", { valueSize: 4, inner, slots: [{ index: 7, of: "map", name: "inner" }] }),
        map("lb.data", "array", { section: ".data", maxEntries: 1, contents: Uint8Array.of(5) }),
      ],
    });
    expect(vm.dumpMaps()).toEqual({
      programs: [{ key: u32(2), value: "main" }],
      inner: [],
      outer: [{ key: u32(1), value: "inner" }],
      table: [{ key: u32(7), value: "inner" }],
      ".data": [{ key: u32(0), value: "0500000000000000" }],
    });
  });

  test("maps user space may not read are left out", () => {
    const vm = vmOf({ maps: [map("secret", "array", { flags: 1 << 4 }), map("open")] });
    expect(Object.keys(vm.dumpMaps())).toEqual(["open"]);
    expect(() => dumpMap(vm.map("secret"))).toThrow(failing("EPERM", /secret/) as Error);
  });

  test("values by their BTF type, each object's by its own", () => {
    const globals = load(object("v3/globals.o"));
    const decoded = (dump: Record<string, MapEntry[]>) =>
      Object.fromEntries(Object.entries(dump).map(([name, [entry]]) => [name, entry?.decoded]));
    const own = decoded(globals.dumpMaps({ all: true }));
    expect(Object.values(own).filter((one) => one !== undefined).length).toBeGreaterThan(0);
    // Type numbers mean something else in another object.
    const first = load(object("v3/data_maps.o"));
    first.add(parseObject(object("v3/globals.o")), "more");
    const together = decoded(first.dumpMaps({ all: true }));
    for (const [name, value] of Object.entries(own)) expect(together[`more#${name}`]).toEqual(value);
  });

  test("a type that does not fit leaves the bytes", () => {
    const source = { programs: [], maps: [map("m", "array", { btfValueTypeId: 99, maxEntries: 1 })] };
    for (const btf of [new Uint8Array(3), new Uint8Array(24)]) {
      const vm = vmOf({ ...source, btf });
      vm.seed("m", [{ key: u32(0), value: "01".repeat(8) }]);
      expect(vm.dumpMaps()).toEqual({ m: [{ key: u32(0), value: "01".repeat(8) }] });
    }
  });
});

describe("what cannot be written", () => {
  const vm = vmOf(
    {
      maps: [
        map("array"),
        map("percpu", "percpu_array"),
        map("programs", "prog_array", { valueSize: 4 }),
        map("outer", "array_of_maps", { valueSize: 4, inner: map("inner") }),
        map("frozen", "array", { frozen: true, maxEntries: 1 }),
      ],
    },
    { cpus: 2 },
  );
  const value = "00".repeat(8);
  test.each<[string, string, MapEntry, string, string | RegExp]>([
    ["a short key", "array", { key: "00", value }, "BAD_CONTENTS", "a key of map array has 4 bytes, not 1"],
    [
      "a long value",
      "array",
      { key: u32(0), value: `${value}00` },
      "BAD_CONTENTS",
      "a value of map array has 8 bytes, not 9",
    ],
    ["no value", "array", { key: u32(0) }, "BAD_CONTENTS", 'an entry of map array needs "value"'],
    [
      "half a byte",
      "array",
      { key: u32(0), value: "123" },
      "BAD_CONTENTS",
      'a value of map array must be hex, two digits a byte, not "123"',
    ],
    ["a key of words", "array", { key: "zero", value }, "BAD_CONTENTS", /^a key of map array must be hex/],
    [
      "values for too few CPUs",
      "percpu",
      { key: u32(0), values: [value] },
      "BAD_CONTENTS",
      'an entry of map percpu needs "values", one for each of 2 CPUs',
    ],
    ["no values", "percpu", { key: u32(0) }, "BAD_CONTENTS", /needs "values"/],
    ["bytes for programs", "programs", { key: u32(0), value: "00000000" }, "UNSUPPORTED", /fill it by slots/],
    ["bytes for maps", "outer", { key: u32(0), value: "00000000" }, "UNSUPPORTED", /bytes name none/],
    ["past the end", "array", { key: u32(4), value }, "E2BIG", /map array/],
    ["what is frozen", "frozen", { key: u32(0), value }, "EPERM", /map frozen/],
  ])("%s", (_, name, entry, code, message) => {
    expect(() => vm.seed(name, [entry])).toThrow(failing(code, message) as Error);
    expect(() => seedMap(vm.map(name), [entry])).toThrow(failing(code, message) as Error);
  });
});

test("hex may have white space between bytes; a long text is cut in the error", () => {
  expect(fromHex(" 0a 0B\n0c ", "it")).toEqual(Uint8Array.of(10, 11, 12));
  expect(toHex(Uint8Array.of(0, 255))).toBe("00ff");
  const shown = (() => {
    try {
      fromHex("x".repeat(1000), "it");
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  })();
  expect(shown).toBe(`it must be hex, two digits a byte, not "${"x".repeat(40)}…"`);
});
