import { type MapStorage, mapId, type Program } from "@bpfkit/core";
import { createMap } from "@bpfkit/maps";
import { load, type Vm } from "@bpfkit/vm";
import { describe, expect, test } from "vitest";
import { failing, map, object, program, vmOf } from "./support.js";

const LOOKUP = (name: string): string =>
  `*(u32 *)(r10 - 4) = 0; r1 = map[${name}]; r2 = r10; r2 += -4; call 1; if r0 == 0 goto none; r0 = *(u64 *)(r0 + 0); none: exit`;
const tail = (name: string): string => `r2 = map[${name}]; r3 = 0; call 12; r0 = 0; exit`;

describe("a second object", () => {
  const source = (value: number) => ({
    programs: [program("main", LOOKUP("counts"))],
    maps: [map("counts", "array", { maxEntries: 1, contents: Uint8Array.of(value) })],
  });

  test("has maps of its own, under its prefix", () => {
    const vm = vmOf(source(1));
    const [added] = vm.add(source(2), "two");
    expect([...vm.maps.keys()]).toEqual(["counts", "two#counts"]);
    expect([vm.runnable(vm.programs[0]!).run().r0, vm.runnable(added!).run().r0]).toEqual([1n, 2n]);
    expect(() => vm.program("main")).toThrow(failing("AMBIGUOUS", /^main names 2 programs/) as Error);
  });

  test("brings its arrays filled and its inner maps inside", () => {
    const vm = vmOf({});
    const inner = map("inner", "array", { maxEntries: 1, contents: Uint8Array.of(9) });
    const outer = map("outer", "array_of_maps", {
      valueSize: 4,
      inner,
      slots: [{ index: 0, of: "map", name: "inner" }],
    });
    const array = map("programs", "prog_array", { valueSize: 4, slots: [{ index: 0, of: "program", name: "leaf" }] });
    const text = `*(u32 *)(r10 - 4) = 0; r1 = map[outer]; r2 = r10; r2 += -4; call 1; r1 = r0; r2 = r10; r2 += -4; call 1; r0 = *(u64 *)(r0 + 0); exit`;
    const [main, , deep] = vm.add(
      {
        programs: [program("main", tail("programs")), program("leaf", "r0 = 7; exit"), program("deep", text)],
        maps: [inner, outer, array],
      },
      "more",
    );
    expect(vm.runnable(main!).run().r0).toBe(7n);
    expect(vm.runnable(deep!).run().r0).toBe(9n);
    expect(vm.dumpMaps()["more#outer"]).toEqual([{ key: "00000000", value: "more#inner" }]);
  });

  test("of global data is found by its prefixed section", () => {
    const vm = load(object("v3/globals.o"));
    const sections = Object.keys(vm.dumpMaps());
    vm.add({ programs: [], maps: [map("b.data", "array", { section: ".data" })] }, "b");
    expect(vm.map("b#.data").spec.name).toBe("b#b.data");
    expect(Object.keys(vm.dumpMaps())).toEqual([...sections, "b#.data"]);
  });

  test.each<[string, Parameters<Vm["add"]>[0], string, string | RegExp]>([
    ["the same prefix again", { programs: [], maps: [map("a")] }, "AMBIGUOUS", "there is a map one#a already"],
    [
      "a map that cannot be made",
      { programs: [], maps: [map("b"), map("c", "array", { keySize: 3 })] },
      "EINVAL",
      /one#c/,
    ],
    [
      "a slot of no program",
      {
        programs: [],
        maps: [map("p", "prog_array", { valueSize: 4, slots: [{ index: 0, of: "program", name: "x" }] })],
      },
      "NO_SUCH_PROGRAM",
      "slot 0 of map one#p names program x, which the object does not have",
    ],
    [
      "a slot of no map",
      {
        programs: [],
        maps: [
          map("o", "array_of_maps", { valueSize: 4, inner: map("i"), slots: [{ index: 1, of: "map", name: "x" }] }),
        ],
      },
      "NO_SUCH_MAP",
      "slot 1 of map one#o names map one#x, which the object does not have",
    ],
  ])("%s is refused, and nothing of it stays", (_, bad, code, message) => {
    const vm = vmOf({ programs: [program("main", "r0 = 1; exit")] });
    vm.add({ programs: [], maps: [map("a")] }, "one");
    const before = [[...vm.maps.keys()], vm.programs, vm.dumpMaps()];
    const withProgram = { ...bad, programs: [...bad.programs, program("added", "r0 = 2; exit")] };
    for (let round = 0; round < 3; round++)
      expect(() => vm.add(withProgram, "one")).toThrow(failing(code, message) as Error);
    expect([[...vm.maps.keys()], vm.programs, vm.dumpMaps()]).toEqual(before);
  });

  const large = map("b", "array", { valueSize: 100_000 });
  const noProgram = map("p", "prog_array", { valueSize: 4, slots: [{ index: 0, of: "program", name: "x" }] });
  test.each([
    ["for a map", [large, map("c", "array", { keySize: 3 })], "EINVAL", /x#c/],
    ["for a slot", [large, noProgram], "NO_SUCH_PROGRAM", /x#p/],
  ])("that is refused over and over %s takes no memory", (_, maps, code, message) => {
    const vm = vmOf({});
    const attempt = (): void =>
      expect(() => vm.add({ programs: [], maps }, "x")).toThrow(failing(code, message) as Error);
    attempt();
    const bytes = vm.memory.views.u8.length;
    for (let round = 0; round < 50; round++) attempt();
    expect(vm.memory.views.u8.length).toBe(bytes);
  });
});

describe("a map of a type there is not", () => {
  const vm = vmOf({
    programs: [program("uses", LOOKUP("odd")), program("other", "r0 = 1; exit")],
    maps: [map("odd", "bloom_filter"), map("counts")],
  });

  test("is refused where it is needed, and nowhere else", () => {
    expect(() => vm.map("odd")).toThrow(failing("UNSUPPORTED_MAP_TYPE", /^map odd: /) as Error);
    expect(() => vm.program("uses").run()).toThrow(failing("UNSUPPORTED_MAP_TYPE", /^map odd: /) as Error);
    expect(vm.program("other").run().r0).toBe(1n);
    expect(Object.keys(vm.dumpMaps())).toEqual(["counts"]);
  });

  test("takes its name all the same, and leaves none behind where the object was refused", () => {
    const odd = map("odd", "bloom_filter");
    vm.add({ programs: [], maps: [odd] }, "x");
    expect(() => vm.add({ programs: [], maps: [odd] }, "x")).toThrow(failing("AMBIGUOUS", /x#odd/) as Error);
    const bad = { programs: [], maps: [odd, map("c", "array", { keySize: 3 })] };
    expect(() => vm.add(bad, "y")).toThrow(failing("EINVAL", /y#c/) as Error);
    expect(() => vm.map("y#odd")).toThrow(failing("NO_SUCH_MAP", /y#odd/) as Error);
  });
});

describe("slots", () => {
  const make = (): Vm =>
    vmOf({
      programs: [program("main", tail("programs")), program("leaf", "r0 = 7; exit")],
      maps: [map("programs", "prog_array", { valueSize: 4 }), map("counts")],
    });

  test("are filled and emptied", () => {
    const vm = make();
    const main = vm.program("main");
    vm.setSlot("programs", 0, vm.program("leaf").program);
    expect(main.run().r0).toBe(7n);
    vm.setSlot("programs", 0, undefined);
    expect(main.run().r0).toBe(0n);
  });

  test.each<[string, (vm: Vm) => void, string, string | RegExp]>([
    [
      "of a map that holds values",
      (vm) => vm.setSlot("counts", 0, undefined),
      "UNSUPPORTED",
      "map counts is of type array, not a program array",
    ],
    ["past the end", (vm) => vm.setSlot("programs", 4, vm.program("leaf").program), "E2BIG", /index 4/],
    ["that are empty, emptied", (vm) => vm.setSlot("programs", 1, undefined), "ENOENT", /slot 1 is empty/],
    ["of no map", (vm) => vm.setSlot("none", 1, undefined), "NO_SUCH_MAP", /none/],
  ])("%s", (_, action, code, message) => {
    expect(() => action(make())).toThrow(failing(code, message) as Error);
  });
});

describe("maps of one's own", () => {
  test("stand in the VM where the factory makes them; the others are the VM's", () => {
    const asked: string[] = [];
    const made: MapStorage[] = [];
    const vm = vmOf(
      { programs: [program("main", LOOKUP("mine"))], maps: [map("mine"), map("other")] },
      {
        cpus: 3,
        createMap: (spec, environment) => {
          asked.push(`${spec.name} ${environment.id} ${environment.cpus}`);
          if (spec.name !== "mine") return undefined;
          made.push(createMap({ ...spec, valueSize: 16 }, environment));
          return made[0];
        },
      },
    );
    expect(asked).toEqual(["mine 1 3", "other 2 3"]);
    expect(vm.map("mine")).toBe(made[0]);
    made[0]!.set(new Uint8Array(4), new Uint8Array(16).fill(1));
    expect(vm.program().run().r0).toBe(0x0101_0101_0101_0101n);
  });

  test("may lie outside guest memory: helpers then say what they cannot do", () => {
    const header = 0x5000_0000;
    const outside = (): MapStorage =>
      ({
        spec: map("mine"),
        id: mapId(1),
        header,
        get: () => undefined,
        set() {},
        delete() {},
        keys: () => [],
      }) as never;
    const source = { programs: [program("main", LOOKUP("mine"))], maps: [map("mine")] };
    const vm = vmOf(source, { createMap: outside });
    expect(vm.program().run().fault?.message).toMatch(/map_lookup_elem: .*map mine/);
  });

  test("a factory's error comes out as it is, and nothing is left", () => {
    const createMap = (): never => {
      throw new RangeError("no more");
    };
    expect(() => vmOf({ maps: [map("a")] }, { createMap })).toThrow(new RangeError("no more"));
  });
});

test("programs have numbers of their own in what user space reads of an array", () => {
  const [one, two]: Program[] = [program("one", "r0 = 1; exit"), program("two", "r0 = 2; exit")];
  const vm = vmOf({ programs: [one!, two!], maps: [map("programs", "prog_array", { valueSize: 4 })] });
  vm.setSlot("programs", 0, two);
  vm.setSlot("programs", 1, one);
  vm.setSlot("programs", 2, two);
  const id = (index: number) => vm.map("programs").get(Uint8Array.of(index, 0, 0, 0))![0];
  expect([id(0), id(1), id(2)]).toEqual([id(2), id(1), id(0)]);
  expect(id(0)).not.toBe(id(1));
  expect(vm.map("programs").get(Uint8Array.of(3, 0, 0, 0))).toBeUndefined();
});
