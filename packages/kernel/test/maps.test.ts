import type { MapSpec, MapStorage } from "@bpfkit/core";
import { KernelMap, type KernelMapOfMaps, type KernelProgramArray, KernelSession, testRun } from "@bpfkit/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { possibleCpus } from "../src/cpus.js";
import { storageBtf } from "../src/storage-btf.js";
import { kernelMissing } from "./here.js";
import { program } from "./programs.js";

const spec = (fields: Partial<MapSpec>): MapSpec => ({
  name: "m0",
  type: "hash",
  keySize: 4,
  valueSize: 8,
  maxEntries: 2,
  flags: 0,
  ...fields,
});
const key = (...bytes: number[]): Uint8Array => Uint8Array.of(...bytes, ...Array(4 - bytes.length).fill(0));
const value = (...bytes: number[]): Uint8Array => Uint8Array.of(...bytes, ...Array(8 - bytes.length).fill(0));

describe.skipIf(kernelMissing !== "")(`maps of the kernel${kernelMissing}`, () => {
  let session: KernelSession;

  beforeEach(() => {
    session = new KernelSession("built");
    session.retain();
  });

  afterEach(() => {
    for (const map of session.maps.values()) map.dispose?.();
    session.release();
  });

  const make = (fields: Partial<MapSpec>): MapStorage => session.addMaps([spec(fields)]).get(fields.name ?? "m0")!;

  // `int` as key and value, by the smallest BTF.
  test.each<[what: string, fields: Partial<MapSpec>]>([
    ["an array with types", { type: "array" }],
    ["an array of maps with types, which takes none", { type: "array_of_maps", valueSize: 4, inner: spec({}) }],
    ["a queue with types, which takes none", { type: "queue", keySize: 0 }],
    ["a perf event array of no size: one entry a CPU", { type: "perf_event_array", valueSize: 4, maxEntries: 0 }],
    ["a bloom filter with its number of hashes", { type: "bloom_filter", keySize: 0, extra: 3n }],
  ])("%s is made", (_, fields) => {
    const { types, key: btfKeyTypeId, value: btfValueTypeId } = storageBtf(fields.valueSize ?? 8);
    const asked = spec({ ...fields, btfKeyTypeId, btfValueTypeId });
    expect(session.addMaps([asked], types).get("m0")!.spec.type).toBe(fields.type);
  });

  test("a hash is written, read, walked and deleted", () => {
    const map = make({});
    expect(map.get(key(1))).toBeUndefined();
    map.set(key(1), value(5));
    map.set(key(2), value(6), 1);
    expect(map.get(key(2))).toEqual(value(6));
    expect([...map.keys()].sort((a, b) => a[0]! - b[0]!)).toEqual([key(1), key(2)]);
    map.delete(key(1));
    expect([...map.keys()]).toEqual([key(2)]);
  });

  test.each([
    { name: "only new, but it is there", action: (map: MapStorage) => map.set(key(1), value(1), 1), code: "EEXIST" },
    { name: "only existing, but it is not", action: (map: MapStorage) => map.set(key(9), value(1), 2), code: "ENOENT" },
    { name: "deleted, but it is not there", action: (map: MapStorage) => map.delete(key(9)), code: "ENOENT" },
    { name: "an unknown flag", action: (map: MapStorage) => map.set(key(1), value(1), 99), code: "EINVAL" },
    { name: "a short key", action: (map: MapStorage) => map.get(Uint8Array.of(1)), code: "EINVAL" },
    { name: "a long value", action: (map: MapStorage) => map.set(key(1), new Uint8Array(9)), code: "EINVAL" },
    {
      name: "more than there is room for",
      action: (map: MapStorage) => {
        for (let i = 0; i < 200; i++) map.set(key(i), value(1));
      },
      code: "E2BIG",
    },
  ])("refuses with the errno's name: $name", ({ action, code }) => {
    const map = make({});
    map.set(key(1), value(1));
    expect(() => action(map)).toThrow(expect.objectContaining({ name: "KernelError", code }));
  });

  test("a per-CPU array has a value for each CPU, rounded up to 8 bytes", () => {
    const map = make({ type: "percpu_array", valueSize: 4 });
    const all = Uint8Array.from({ length: 8 * possibleCpus() }, (_, i) => (i % 8 === 0 ? 1 + i / 8 : 0));
    map.set(key(1), all);
    expect(map.get(key(1))).toEqual(all);
  });

  test("global data is there from the start, and frozen where it says so", () => {
    const contents = value(1, 2, 3);
    const map = make({ type: "array", maxEntries: 1, contents, frozen: true, flags: 0x80, section: ".rodata" });
    expect(map.get(key(0))).toEqual(contents);
    expect(() => map.set(key(0), value(9))).toThrow(expect.objectContaining({ code: "EPERM" }));
    // r1 = value of m0; r0 = *(u32 *)(r1 + 0); exit
    const subject = program("1821000000000000000000000000000061100000000000009500000000000000");
    expect(testRun(session.descriptorOf(subject), { data: new Uint8Array(64) }, "p").retval).toBe(0x030201);
  });

  test.each(["sk_storage", "task_storage", "inode_storage"])("%s gets the BTF it cannot do without", (type) => {
    const map = make({ type, maxEntries: 0, flags: 1, valueSize: 12 });
    expect(map).toBeInstanceOf(KernelMap);
  });

  test.each(["array_of_maps", "hash_of_maps"])("%s is made by the template of its inner map", (type) => {
    const inner = spec({ name: "inner", type: "array" });
    const map = make({ type, valueSize: 4, inner });
    const held = make({ name: "held", type: "array" });
    (map as KernelMapOfMaps).setMap(key(1), held);
    expect((map as KernelMapOfMaps).mapAt(key(1))).toBe(held);
    expect(new DataView(map.get(key(1))!.buffer).getUint32(0, true)).toBe(held.id);
    expect(map.get(key(0))).toBeUndefined();
    expect(() => map.set(key(1), Uint8Array.of(99, 0, 0, 0))).toThrow(/use setMap/);
  });

  test.each([
    { type: "queue", order: [1, 2] },
    { type: "stack", order: [2, 1] },
  ])("a $type gives its values in order", ({ type, order }) => {
    const map = make({ type, keySize: 0 }) as KernelMap;
    map.set(new Uint8Array(), value(1));
    map.set(new Uint8Array(), value(2));
    expect(order.map(() => map.take()![0])).toEqual(order);
    expect(map.take()).toBeUndefined();
  });

  test.each([
    { type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
    { type: "perf_event_array", valueSize: 4 },
    { type: "queue", keySize: 0 },
    { type: "stack_trace", flags: 0, valueSize: 8 },
  ])("a $type that user space cannot read entries of shows none", (fields) => {
    const map = make(fields);
    expect([...map.keys()].map((each) => map.get(each)).filter((each) => each !== undefined)).toEqual([]);
  });

  test.each([-1, 1.5, 2 ** 32, 5])("a program array refuses index %s", (index) => {
    const map = make({ type: "prog_array", valueSize: 4 }) as KernelProgramArray;
    expect(() => map.setProgram(index, program("b7000000010000009500000000000000"))).toThrow(
      expect.objectContaining({ code: "E2BIG" }),
    );
  });

  test("two maps of one name are refused, and nothing is left of the first", () => {
    expect(() => session.addMaps([spec({}), spec({})])).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(session.maps.size).toBe(0);
  });

  test("what was disposed of says so", () => {
    const map = make({});
    map.dispose?.();
    map.dispose?.();
    expect(() => map.get(key(1))).toThrow(expect.objectContaining({ code: "CLOSED" }));
    expect(session.maps.size).toBe(0);
  });

  test("a map of an unknown type and one the kernel refuses say which map", () => {
    expect(() => make({ type: "hashtable" })).toThrow(/hashtable is no map type/);
    expect(() => make({ name: "big", type: "array", keySize: 8 })).toThrow(
      /creating array map big: the kernel answered EINVAL/,
    );
  });
});
