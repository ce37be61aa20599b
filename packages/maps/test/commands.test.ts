import type { MapSpec } from "@bpfkit/core";
import { SUPPORTED_MAP_TYPES } from "@bpfkit/maps";
import { describe, expect, test } from "vitest";
import { answer, fixture, u32, u64 } from "./support.js";

const make = (spec: Partial<MapSpec>, cpus = 1) => fixture(spec, cpus).map;

// Answers in these tables are those of Linux 6.18 to the same.
describe("creation", () => {
  test.each([
    { spec: { type: "array", keySize: 8 }, expected: "EINVAL" },
    { spec: { type: "array", keySize: 2 }, expected: "EINVAL" },
    { spec: { type: "array", valueSize: 0 }, expected: "EINVAL" },
    { spec: { type: "array", maxEntries: 0 }, expected: "EINVAL" },
    { spec: { type: "array", flags: 1 }, expected: "EINVAL" },
    { spec: { type: "array", flags: 1 << 10 }, expected: "ok" },
    { spec: { type: "array", flags: 1 << 12 }, expected: "ok" },
    { spec: { type: "array", flags: 0x18 }, expected: "EINVAL" },
    { spec: { type: "array", flags: 0x180 }, expected: "EINVAL" },
    { spec: { type: "array", valueSize: 2 ** 31 }, expected: "E2BIG" },
    { spec: { type: "percpu_array", flags: 1 << 10 }, expected: "EINVAL" },
    { spec: { type: "percpu_array", valueSize: 32_768 }, expected: "ok" },
    { spec: { type: "percpu_array", valueSize: 32_769 }, expected: "E2BIG" },
    { spec: { type: "hash", keySize: 0 }, expected: "EINVAL" },
    { spec: { type: "hash", keySize: 3, valueSize: 1 }, expected: "ok" },
    { spec: { type: "hash", flags: 1 }, expected: "ok" },
    { spec: { type: "hash", flags: 2 }, expected: "EINVAL" },
    { spec: { type: "hash", valueSize: 4_194_251 }, expected: "ok" },
    { spec: { type: "hash", valueSize: 4_194_252 }, expected: "E2BIG" },
    { spec: { type: "hash", maxEntries: 2 ** 31 }, expected: "E2BIG" },
    { spec: { type: "lru_hash", flags: 1 }, expected: "ENOTSUPP" },
    { spec: { type: "lru_hash", flags: 2 }, expected: "ok" },
    { spec: { type: "array_of_maps", valueSize: 4 }, expected: "EINVAL" },
    { spec: { type: "ringbuf" }, expected: "UNSUPPORTED_MAP_TYPE" },
    { spec: { type: "prog_array" }, expected: "UNSUPPORTED_MAP_TYPE" },
    { spec: { type: "toString" }, expected: "UNSUPPORTED_MAP_TYPE" },
    { spec: { type: "array", contents: new Uint8Array(9) }, expected: "EINVAL" },
  ])("$spec: $expected", ({ spec, expected }) => {
    expect(answer(() => make(spec))).toBe(expected);
  });

  test("what is not there says what is", () => {
    expect(() => make({ type: "queue" })).toThrow(
      `map counters: there are no maps of type queue here; there are ${SUPPORTED_MAP_TYPES.join(", ")}`,
    );
    expect(() => make({ type: "prog_array" })).toThrow(/program arrays are made by @bpfkit\/tailcall/);
  });

  test.each([0, -1, 1.5])("values for %s CPUs are refused", (cpus) => {
    expect(answer(() => make({ type: "percpu_array" }, cpus))).toBe("EINVAL");
  });

  test("the header says what the map is and may only be read", () => {
    const { map, memory } = fixture({ type: "hash", keySize: 8, valueSize: 16, maxEntries: 7, flags: 1 });
    const words = new Uint32Array(memory.views.u8.buffer, map.header + 64, 8);
    expect([...words]).toEqual([1, 8, 16, 7, 0, 0, 1, 5]);
    memory.checkRead(map.header, 96);
    expect(() => memory.checkWrite(map.header, 1)).toThrow("the header of map `counters`");
  });
});

describe("array", () => {
  test.each([
    { what: "past the last", action: (map = make({})) => map.set(u32(4), u64(1)), expected: "E2BIG" },
    { what: "BPF_NOEXIST", action: (map = make({})) => map.set(u32(0), u64(1), 1), expected: "EEXIST" },
    { what: "BPF_EXIST", action: (map = make({})) => map.set(u32(0), u64(1), 2), expected: "ok" },
    { what: "both", action: (map = make({})) => map.set(u32(0), u64(1), 3), expected: "EINVAL" },
    { what: "BPF_F_LOCK without a lock", action: (map = make({})) => map.set(u32(0), u64(1), 4), expected: "EINVAL" },
    { what: "flags before the index", action: (map = make({})) => map.set(u32(9), u64(1), 3), expected: "EINVAL" },
    { what: "the index before BPF_NOEXIST", action: (map = make({})) => map.set(u32(9), u64(1), 1), expected: "E2BIG" },
    { what: "delete", action: (map = make({})) => map.delete(u32(0)), expected: "EINVAL" },
    { what: "a long key", action: (map = make({})) => map.get(u64(0)), expected: "EINVAL" },
    { what: "a short value", action: (map = make({})) => map.set(u32(0), u32(0)), expected: "EINVAL" },
    { what: "set with BPF_F_RDONLY", action: (map = make({ flags: 8 })) => map.set(u32(0), u64(1)), expected: "EPERM" },
    { what: "delete with BPF_F_RDONLY", action: (map = make({ flags: 8 })) => map.delete(u32(0)), expected: "EPERM" },
    { what: "get with BPF_F_WRONLY", action: (map = make({ flags: 16 })) => map.get(u32(0)), expected: "EPERM" },
    { what: "keys with BPF_F_WRONLY", action: (map = make({ flags: 16 })) => void [...map.keys()], expected: "EPERM" },
    { what: "set when frozen", action: (map = make({ frozen: true })) => map.set(u32(0), u64(1)), expected: "EPERM" },
    { what: "get when frozen", action: (map = make({ frozen: true })) => void map.get(u32(0)), expected: "ok" },
    {
      what: "set with BPF_F_RDONLY_PROG",
      action: (map = make({ flags: 128 })) => map.set(u32(0), u64(1)),
      expected: "ok",
    },
  ])("$what: $expected", ({ action, expected }) => {
    expect(answer(action)).toBe(expected);
  });

  test("values are zero, then what was set, and copies", () => {
    const map = make({});
    const value = u64(7);
    map.set(u32(3), value);
    value[0] = 8;
    map.get(u32(3))!.fill(9);
    expect([map.get(u32(2)), map.get(u32(3)), map.get(u32(4))]).toEqual([u64(0), u64(7), undefined]);
  });

  test("keys are all indices in order", () => {
    expect([...make({ maxEntries: 3 }).keys()]).toEqual([u32(0), u32(1), u32(2)]);
  });

  test("global data begins with its contents", () => {
    const map = make({ maxEntries: 1, valueSize: 12, contents: u64(5), frozen: true, flags: 128 });
    expect(map.get(u32(0))).toEqual(new Uint8Array([5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
  });

  test("an error names the map, the key and the reason", () => {
    expect(() => make({}).set(u32(4), u64(1))).toThrow(
      "map counters: setting key 04000000 with flags 0: it is full, or the index past its last",
    );
  });
});

describe("per-CPU", () => {
  const twice = (one: number, other: number) => new Uint8Array([...u64(one), ...u64(other)]);

  test.each(["percpu_array", "percpu_hash", "lru_percpu_hash"])(
    "%s: values of all CPUs lie one after the other",
    (type) => {
      const { map, put, read } = fixture({ type, valueSize: 4 }, 2);
      map.set(u32(1), twice(11, 22));
      expect(map.get(u32(1))).toEqual(twice(11, 22));
      const [zero, one] = [0, 1].map((cpu) => map.guest!.lookup(put(u32(1)), cpu));
      expect([read(zero!, 4), read(one!, 4)]).toEqual([u32(11), u32(22)]);
      expect(answer(() => map.set(u32(1), u64(1)))).toBe("EINVAL");
    },
  );

  test.each([
    { type: "percpu_array", others: 0 },
    { type: "percpu_hash", others: 0 },
  ])("$type: a program updates its own CPU's value", ({ type, others }) => {
    const { map, put } = fixture({ type, valueSize: 8 }, 2);
    expect(map.guest!.update(put(u32(1)), put(u64(7)), 0, 1)).toBe(0);
    expect(map.get(u32(1))).toEqual(twice(others, 7));
    expect(map.guest!.update(put(u32(1)), put(u64(8)), 0, 0)).toBe(0);
    expect(map.get(u32(1))).toEqual(twice(8, 7));
  });

  test("a key deleted and made again begins at zero on the other CPUs", () => {
    const { map, put } = fixture({ type: "percpu_hash", maxEntries: 1 }, 2);
    map.set(u32(1), twice(5, 6));
    map.delete(u32(1));
    map.guest!.update(put(u32(2)), put(u64(7)), 0, 0);
    expect(map.get(u32(2))).toEqual(twice(7, 0));
  });

  test.each(["percpu_array", "percpu_hash"])("%s has nothing for a CPU there is not", (type) => {
    const { map, put } = fixture({ type }, 2);
    map.set(u32(1), twice(5, 6));
    expect(map.cpus).toBe(2);
    expect(() => map.guest!.lookup(put(u32(1)), 2)).toThrow("map counters: it has values for 2 CPUs, none for CPU 2");
  });

  test("an array takes no BPF_NOEXIST", () => {
    expect(answer(() => make({ type: "percpu_array" }, 2).set(u32(0), twice(1, 1), 1))).toBe("EEXIST");
  });
});

describe("hash", () => {
  const types = ["hash", "percpu_hash"];
  /** What a row of updates and deletes is answered: `+key/flags` or `-key`. */
  function answers(type: string, actions: string): string {
    const map = make({ type, maxEntries: 2 });
    return actions
      .split(" ")
      .map((action) => {
        const [key, flags = "0"] = action.slice(1).split("/");
        return answer(() => (action[0] === "-" ? map.delete(u32(+key!)) : map.set(u32(+key!), u64(+key!), +flags)));
      })
      .join(" ");
  }

  test.each(types)("%s answers as Linux does", (type) => {
    expect(answers(type, "+1/2 +1/1 +1/1 +1/2 +2 +3 +1 +3/2 +3/1 +1/3 +1/4 -7 -1 +3")).toBe(
      "ENOENT ok EEXIST ok ok E2BIG ok ENOENT E2BIG EINVAL EINVAL ENOENT ok ok",
    );
  });

  test.each([...types, "lru_hash"])("%s gives what was set and not what was deleted", (type) => {
    const map = make({ type });
    map.set(u32(1), u64(10));
    map.set(u32(2), u64(20));
    map.set(u32(1), u64(11));
    map.delete(u32(2));
    expect([map.get(u32(1)), map.get(u32(2)), map.get(u32(3))]).toEqual([u64(11), undefined, undefined]);
    expect([...map.keys()]).toEqual([u32(1)]);
  });

  test("who has a value's address goes on seeing that value after an update and after a delete", () => {
    const { map, put, read } = fixture({ type: "hash" });
    map.set(u32(1), u64(0x11));
    const first = map.guest!.lookup(put(u32(1)), 0);
    map.guest!.update(put(u32(1)), put(u64(0x22)), 0, 0);
    expect(read(first, 8)).toEqual(u64(0x11));
    const second = map.guest!.lookup(put(u32(1)), 0);
    map.guest!.delete(put(u32(1)));
    map.set(u32(2), u64(0x33));
    expect([read(first, 8), map.get(u32(1))]).toEqual([u64(0x11), undefined]);
    expect(second).not.toBe(first);
  });

  test("per CPU an update is in place", () => {
    const { map, put, read } = fixture({ type: "percpu_hash" });
    map.set(u32(1), u64(0x11));
    const address = map.guest!.lookup(put(u32(1)), 0);
    map.guest!.update(put(u32(1)), put(u64(0x22)), 0, 0);
    expect(read(address, 8)).toEqual(u64(0x22));
  });

  test("a full map still replaces, many times over", () => {
    const map = make({ type: "hash", maxEntries: 2 });
    for (let round = 0; round < 10; round++) for (const key of [1, 2]) map.set(u32(key), u64(round));
    expect(answer(() => map.set(u32(3), u64(0)))).toBe("E2BIG");
    expect([map.get(u32(1)), map.get(u32(2))]).toEqual([u64(9), u64(9)]);
  });

  test("lru_hash makes room for a new key, at the cost of one not used lately", () => {
    const { map, put } = fixture({ type: "lru_hash", maxEntries: 3 });
    for (const key of [1, 2, 3, 4]) map.set(u32(key), u64(key));
    expect([...map.keys()]).toHaveLength(3);
    map.guest!.lookup(put(u32(4)), 0);
    for (const key of [5, 6]) map.set(u32(key), u64(key));
    expect([...map.keys()]).toHaveLength(3);
    expect(map.get(u32(6))).toEqual(u64(6));
    for (let key = 100; key < 200; key++) map.set(u32(key), u64(key));
    expect([...map.keys()]).toHaveLength(3);
  });
});

describe("guest memory", () => {
  test("goes back when a map is disposed of", () => {
    const { memory, map } = fixture({ type: "hash", maxEntries: 100 });
    map.set(u32(1), u64(1));
    const before = memory.views.u8.length;
    for (let round = 0; round < 200; round++) fixture({ type: "hash", maxEntries: 100 }, 1, memory).map.dispose!();
    map.dispose!();
    expect(memory.views.u8.length).toBe(before);
  });
});
