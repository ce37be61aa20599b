import { type MapSpec, mapId } from "@bpfkit/core";
import { createMap, isMapOfMaps, type MapOfMaps } from "@bpfkit/maps";
import { createGuestMemory } from "@bpfkit/memory";
import { describe, expect, test } from "vitest";
import { answer, u32 } from "./support.js";

const memory = createGuestMemory();
let ids = 10;

const INNER: MapSpec = { name: "inner", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
const inner = (spec: Partial<MapSpec> = {}) => createMap({ ...INNER, ...spec }, { memory, id: mapId(ids++) });

function outer(spec: Partial<MapSpec> = {}): MapOfMaps {
  const base = {
    name: "outer",
    type: "array_of_maps",
    keySize: 4,
    valueSize: 4,
    maxEntries: 2,
    flags: 0,
    inner: INNER,
  };
  const map = createMap({ ...base, ...spec }, { memory, id: mapId(1) });
  if (!isMapOfMaps(map)) throw new Error("not a map of maps");
  return map;
}

/** What a program finds under a key: an inner map's header or 0. */
function lookup(map: MapOfMaps, key: number): number {
  const stack = memory.reserve("the stack", 8, "read-write");
  memory.views.data.setUint32(stack.start, key, true);
  return map.guest!.lookup(stack.start, 0);
}

// Answers in these tables are those of Linux 6.18 to the same.
describe.each(["array_of_maps", "hash_of_maps"])("%s", (type) => {
  test("a program finds the header of what user space put in", () => {
    const map = outer({ type });
    const map1 = inner();
    map.setMap(u32(1), map1);
    expect([lookup(map, 1), lookup(map, 0), lookup(map, 7)]).toEqual([map1.header, 0, 0]);
    expect(map.mapAt(u32(1))).toBe(map1);
    expect([map.get(u32(1)), map.get(u32(0)), map.get(u32(7))]).toEqual([u32(map1.id), undefined, undefined]);
    map.delete(u32(1));
    expect([lookup(map, 1), map.mapAt(u32(1)), map.get(u32(1))]).toEqual([0, undefined, undefined]);
  });

  test("programs can do nothing else, not even read the cells", () => {
    const map = outer({ type });
    for (const operation of ["update", "delete", "next"] as const) {
      expect(answer(() => map.guest![operation](0, 0 as never, 0 as never, 0))).toBe("UNSUPPORTED_OPERATION");
    }
    expect(map.layout).toBeUndefined();
    expect(answer(() => map.set(u32(0), u32(1)))).toBe("EINVAL");
  });

  test.each([
    { what: "another type", spec: { type: "hash" }, expected: "EINVAL" },
    { what: "a larger value", spec: { valueSize: 16 }, expected: "EINVAL" },
    { what: "other flags", spec: { flags: 1 << 10 }, expected: "EINVAL" },
    { what: "read-only for user space", spec: { flags: 8 }, expected: "ok" },
    { what: "more entries", spec: { maxEntries: 2 }, expected: "EINVAL" },
    { what: "the same", spec: {}, expected: "ok" },
  ])("an inner map with $what: $expected", ({ spec, expected }) => {
    expect(answer(() => outer({ type }).setMap(u32(0), inner(spec)))).toBe(expected);
  });
});

describe("slots of an array of maps", () => {
  test.each([
    { what: "past the last", action: (map: MapOfMaps) => map.setMap(u32(5), inner()), expected: "E2BIG" },
    { what: "BPF_NOEXIST", action: (map: MapOfMaps) => map.setMap(u32(0), inner(), 1), expected: "EINVAL" },
    { what: "BPF_EXIST", action: (map: MapOfMaps) => map.setMap(u32(0), inner(), 2), expected: "EINVAL" },
    { what: "deleting an empty one", action: (map: MapOfMaps) => map.delete(u32(1)), expected: "ENOENT" },
    { what: "deleting past the last", action: (map: MapOfMaps) => map.delete(u32(7)), expected: "E2BIG" },
  ])("$what: $expected", ({ action, expected }) => {
    expect(answer(() => action(outer()))).toBe(expected);
  });
});

describe("entries of a hash of maps", () => {
  test("flags and fullness are a hash's", () => {
    const map = outer({ type: "hash_of_maps" });
    const put = (key: number, flags = 0) => answer(() => map.setMap(u32(key), inner(), flags));
    expect([put(0), put(0, 1), put(8, 2), put(8), put(9), put(9, 1), put(8, 3)]).toEqual([
      ..."ok EEXIST ENOENT ok E2BIG E2BIG EINVAL".split(" "),
    ]);
    expect([answer(() => map.delete(u32(77))), answer(() => map.delete(u32(0)))]).toEqual(["ENOENT", "ok"]);
  });

  test("inner hashes may have any number of entries", () => {
    const map = outer({ type: "hash_of_maps", inner: { ...INNER, type: "hash" } });
    expect(answer(() => map.setMap(u32(0), inner({ type: "hash", maxEntries: 9 })))).toBe("ok");
    expect(answer(() => map.setMap(u32(0), inner({ type: "hash", flags: 1 })))).toBe("EINVAL");
  });
});

describe("the template", () => {
  test.each([
    { what: "of maps", inner: { ...INNER, type: "array_of_maps" }, expected: "EINVAL" },
    { what: "a program array", inner: { ...INNER, type: "prog_array" }, expected: "ENOTSUPP" },
    { what: "per CPU", inner: { ...INNER, type: "percpu_array" }, expected: "ok" },
    { what: "of any size (BPF_F_INNER_MAP)", inner: { ...INNER, flags: 1 << 12 }, expected: "ok" },
  ])("$what: $expected", ({ inner, expected }) => {
    expect(answer(() => outer({ inner }))).toBe(expected);
  });

  test("with BPF_F_INNER_MAP sizes may differ", () => {
    const map = outer({ inner: { ...INNER, flags: 1 << 12 } });
    expect(answer(() => map.setMap(u32(0), inner({ flags: 1 << 12, maxEntries: 5 })))).toBe("ok");
    expect(answer(() => map.setMap(u32(0), inner({ maxEntries: 5 })))).toBe("EINVAL");
  });
});
