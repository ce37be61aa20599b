import { readFileSync } from "node:fs";
import { MAP_FLAGS, MAP_TYPES, mapCreationErrno, mapTypeById, mapTypeByName } from "@bpfkit/abi";
import type { MapSpec } from "@bpfkit/core";
import { describe, expect, test } from "vitest";

type Answers = Readonly<Record<string, readonly number[]>>;

/** What Linux 6.18 said when one number of a map that it takes was changed. `base`: key size, value size, entries, flags. */
const recorded: readonly {
  readonly type: string;
  readonly base: readonly [number, number, number, number];
  readonly keySize: Answers;
  readonly valueSize: Answers;
  readonly maxEntries: Answers;
  readonly flags: Answers;
}[] = JSON.parse(readFileSync(new URL("./map-creation.json", import.meta.url), "utf8"));

function spec(type: string, [keySize, valueSize, maxEntries, flags]: readonly number[]): MapSpec {
  const inner: MapSpec = { name: "i", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
  return {
    name: "m",
    type,
    keySize: keySize!,
    valueSize: valueSize!,
    maxEntries: maxEntries!,
    flags: flags!,
    ...(type.endsWith("_of_maps") ? { inner } : {}),
  };
}

describe("map types", () => {
  test("ids are dense from 1 to 33 and names are unique", () => {
    expect(MAP_TYPES.map((rules) => rules.id)).toEqual(Array.from({ length: 33 }, (_, index) => index + 1));
    expect(new Set(MAP_TYPES.map((rules) => rules.name)).size).toBe(33);
    expect(mapTypeById(3)).toBe(mapTypeByName("prog_array"));
    expect(mapTypeById(34)).toBeUndefined();
  });

  describe.each(recorded)("$type", ({ type, base, ...changes }) => {
    test("the recorded map is taken", () => {
      expect(mapCreationErrno(spec(type, base))).toBeUndefined();
    });
    test.each(["keySize", "valueSize", "maxEntries", "flags"] as const)("%s", (field) => {
      const rows = Object.entries(changes[field]).flatMap(([answer, values]) =>
        values.map((value) => ({ value, answer })),
      );
      const ours = rows.map(({ value }) => ({
        value,
        answer: mapCreationErrno({ ...spec(type, base), [field]: value }) ?? "ok",
      }));
      expect(ours).toEqual(rows);
    });
  });

  test.each([
    {
      what: "key and value of a hash may have 4,194,255 bytes",
      type: "hash",
      base: [4, 4_194_251, 1, 0],
      answer: undefined,
    },
    { what: "not one more", type: "hash", base: [4, 4_194_252, 1, 0], answer: "E2BIG" },
    { what: "whichever of them it is", type: "hash", base: [512, 4_193_744, 1, 0], answer: "E2BIG" },
    { what: "the largest value of a trie", type: "lpm_trie", base: [8, 4_194_024, 1, 1], answer: undefined },
    { what: "is no more than that", type: "lpm_trie", base: [8, 4_194_025, 1, 1], answer: "EINVAL" },
    { what: "local storage has 65,407 bytes", type: "cgroup_storage", base: [8, 65_407, 0, 0], answer: undefined },
    { what: "at most", type: "cgroup_storage", base: [8, 65_408, 0, 0], answer: "E2BIG" },
    { what: "an arena spans 4 GiB", type: "arena", base: [0, 0, 1 << 20, 1 << 10], answer: undefined },
    { what: "and no page more", type: "arena", base: [0, 0, (1 << 20) + 1, 1 << 10], answer: "E2BIG" },
    { what: "a hash has at most 2^27 buckets", type: "hash", base: [4, 4, 2 ** 31 + 1, 0], answer: "E2BIG" },
    { what: "socket storage without BTF", type: "sk_storage", base: [4, 4, 0, 1], answer: "EINVAL" },
  ])("$what ($type)", ({ type, base, answer }) => {
    expect(mapCreationErrno(spec(type, base))).toBe(answer);
  });

  test("a map of maps needs an inner map, local storage BTF", () => {
    const { inner: _, ...none } = spec("array_of_maps", [4, 4, 1, 0]);
    expect(mapCreationErrno(none)).toBe("EINVAL");
    const flags = MAP_FLAGS.BPF_F_NO_PREALLOC;
    expect(mapCreationErrno({ ...spec("sk_storage", [4, 4, 0, flags]), btfValueTypeId: 1 })).toBeUndefined();
  });

  test("an unknown name says which there are", () => {
    expect(() => mapTypeByName("hashmap")).toThrow(
      /hashmap is no map type of Linux; there are hash, array, prog_array/,
    );
  });
});
