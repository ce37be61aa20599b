import type { MapCursorEntry, MapLayout } from "@bpfkit/core";
import { HASH_NAME, hashKey } from "@bpfkit/maps";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answer, type Fixture, fixture, u32, u64 } from "./support.js";

/** What a layout says lies in memory, read without the package's help. */
function lookupByLayout(memory: DataView, layout: MapLayout, key: Uint8Array, maxEntries: number, cpu = 0): number {
  if (layout.kind === "array") {
    const index = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
    return index < maxEntries ? layout.data + index * layout.stride + cpu * layout.cpuStride : 0;
  }
  const bucket = mix32Words(key) & (layout.buckets! - 1);
  for (
    let entry = memory.getUint32(layout.data + 4 * bucket, true);
    entry !== 0;
    entry = memory.getUint32(entry, true)
  ) {
    const own = key.map((_, index) => memory.getUint8(entry + layout.keyOffset! + index));
    if (own.every((byte, index) => byte === key[index])) return entry + layout.valueOffset! + cpu * layout.cpuStride;
  }
  return 0;
}

/** The hash as its definition has it, in 64-bit arithmetic. */
function mix32Words(key: Uint8Array): number {
  const mask = 0xffff_ffffn;
  let hash = 0n;
  for (let offset = 0; offset < key.length; offset += 4) {
    const word = [3, 2, 1, 0].reduce((sum, index) => (sum << 8n) | BigInt(key[offset + index] ?? 0), 0n);
    hash = ((hash ^ word) * 0x85eb_ca6bn) & mask;
    hash ^= hash >> 15n;
  }
  hash = (hash * 0xc2b2_ae35n) & mask;
  return Number(BigInt.asIntN(32, hash ^ (hash >> 16n)));
}

describe("operations of programs", () => {
  test.each([
    { type: "array", expected: "0/0 2/-7 0/-17 0/0 0/-22 0/-22 0/-22 2/-7 5/-7 2/-22" },
    { type: "percpu_array", expected: "0/0 2/-7 0/-17 0/0 0/-22 0/-22 0/-22 2/-7 5/-7 2/-22" },
    { type: "hash", expected: "0/0 2/0 0/-17 0/0 0/-22 0/-22 0/-22 2/-17 5/-2 2/-22" },
    { type: "percpu_hash", expected: "0/0 2/0 0/-17 0/0 0/-22 0/-22 0/-22 2/-17 5/-2 2/-22" },
  ])("$type answers as Linux 6.18 does", ({ type, expected }) => {
    const { map, put } = fixture({ type, maxEntries: 2 });
    const flags = [0, 0, 1, 2, 3, 4, 8, 1, 2, 3];
    const keys = [0, 2, 0, 0, 0, 0, 0, 2, 5, 2];
    const ours = keys.map((key, at) => `${key}/${map.guest!.update(put(u32(key)), put(u64(7)), flags[at]!, 0)}`);
    expect(ours.join(" ")).toBe(expected);
    expect([0, 77].map((key) => map.guest!.delete(put(u32(key))))).toEqual(
      type.endsWith("array") ? [-22, -22] : [0, -2],
    );
  });

  test.each(["array", "hash", "lru_hash"])("a %s map has one value for all CPUs", (type) => {
    const { map, put, read } = fixture({ type });
    expect(map.guest!.update(put(u32(1)), put(u64(7)), 0, 3)).toBe(0);
    for (const cpu of [0, 3, 9]) expect(read(map.guest!.lookup(put(u32(1)), cpu), 8)).toEqual(u64(7));
    expect(map.guest!.update(put(u32(1)), put(u64(8)), 0, 9)).toBe(0);
    expect(map.get(u32(1))).toEqual(u64(8));
  });

  test("a key may come from the map itself", () => {
    const { map, put } = fixture({ type: "hash", keySize: 8 });
    map.set(u64(1), u64(2));
    const value = map.guest!.lookup(put(u64(1)), 0);
    expect(map.guest!.update(value, value, 0, 0)).toBe(0);
    expect(map.get(u64(2))).toEqual(u64(2));
  });
});

describe("addresses of values that are gone", () => {
  test("one may be the key of an update that reuses its place", () => {
    const { map, put } = fixture({ type: "hash", keySize: 8 });
    map.set(u64(1), u64(7));
    const stale = map.guest!.lookup(put(u64(1)), 0);
    map.set(u64(1), u64(8));
    map.set(u64(7), u64(9));
    // The entry of the first value is the spare one, and its value is the key.
    expect(map.guest!.update(stale, put(u64(10)), 0, 0)).toBe(0);
    expect([map.get(u64(1)), map.get(u64(7))]).toEqual([u64(8), u64(10)]);
  });

  test("one may be the key of a new entry in its place", () => {
    const { map, put } = fixture({ type: "percpu_hash", keySize: 8, maxEntries: 1 }, 2);
    map.set(u64(1), new Uint8Array([...u64(7), ...u64(8)]));
    const stale = map.guest!.lookup(put(u64(1)), 0);
    map.delete(u64(1));
    expect(map.guest!.update(stale, put(u64(9)), 0, 1)).toBe(0);
    expect(map.get(u64(7))).toEqual(new Uint8Array([...u64(0), ...u64(9)]));
  });
});

describe("permissions and faults", () => {
  test.each([
    { what: "plain", spec: {}, read: "ok", write: "ok" },
    { what: "frozen", spec: { frozen: true }, read: "ok", write: "MEMORY_FAULT" },
    { what: "BPF_F_RDONLY_PROG", spec: { flags: 128 }, read: "ok", write: "MEMORY_FAULT" },
    { what: "BPF_F_WRONLY_PROG", spec: { flags: 256 }, read: "MEMORY_FAULT", write: "ok" },
    { what: "BPF_F_RDONLY", spec: { flags: 8 }, read: "ok", write: "ok" },
  ])("$what: read $read, write $write", ({ spec, read, write }) => {
    for (const type of ["array", "hash"]) {
      for (const valueSize of [8, 12]) {
        const { map, memory, put } = fixture({ type, valueSize, ...spec });
        // A frozen or read-only hash is empty; what programs may do with its values cannot be tried.
        if (type === "hash" && map.guest!.update(put(u32(3)), put(new Uint8Array(12)), 0, 0) !== 0) continue;
        const value = map.guest!.lookup(put(u32(3)), 0);
        expect([
          answer(() => memory.checkRead(value, valueSize)),
          answer(() => memory.checkWrite(value, valueSize)),
        ]).toEqual([read, write]);
        expect(answer(() => memory.checkRead(value, valueSize + 1))).toBe("MEMORY_FAULT");
      }
    }
  });

  test.each([
    { type: "array", words: "0 past the end of the value of map `counters` at index 1 (12 bytes)" },
    { type: "percpu_array", words: "0 past the end of the value of map `counters` on CPU 0 at index 1 (12 bytes)" },
    { type: "hash", words: /0 past the end of the value of map `counters` at index \d \(12 bytes\)/ },
  ])("a fault names the value of $type", ({ type, words }) => {
    const { map, memory, put } = fixture({ type, valueSize: 12 });
    map.guest!.update(put(u32(1)), put(new Uint8Array(12)), 0, 0);
    const value = map.guest!.lookup(put(u32(1)), 0);
    expect(() => memory.checkRead(value + 12, 1)).toThrow(words);
  });

  test("entries no key has are out of reach", () => {
    const { map, memory, put } = fixture({ type: "hash" });
    map.set(u32(1), u64(1));
    const { stride } = map.layout!;
    const value = map.guest!.lookup(put(u32(1)), 0);
    expect(answer(() => memory.checkRead(value + stride, 8))).toBe("MEMORY_FAULT");
    expect(answer(() => memory.checkWrite(value - 8, 4))).toBe("MEMORY_FAULT");
  });
});

describe("walking", () => {
  /** Keys in the order of a walk; `during` is called at each of them. */
  function walk({ map, read }: Fixture, during: (key: number) => void = () => {}): number[] {
    const entry: MapCursorEntry = { key: 0, value: 0 };
    const keys: number[] = [];
    for (let cursor = map.guest!.next(0, 0, entry); cursor >= 0; cursor = map.guest!.next(cursor, 0, entry)) {
      const key = new DataView(read(entry.key, 4).buffer).getUint32(0, true);
      keys.push(key);
      expect(map.guest!.lookup(entry.key, 0)).toBe(entry.value);
      during(key);
    }
    return keys;
  }
  const filled = (type: string, count: number) => {
    const all = fixture({ type, maxEntries: 16 });
    for (let key = 0; key < count; key++) all.map.set(u32(key), u64(key));
    return all;
  };
  const sorted = (keys: number[]) => [...keys].sort((a, b) => a - b);

  test("an array in order, a hash each key once", () => {
    expect(walk(filled("array", 0))).toEqual([...Array(16).keys()]);
    expect(sorted(walk(filled("hash", 16)))).toEqual([...Array(16).keys()]);
    expect(walk(filled("hash", 0))).toEqual([]);
  });

  test("keys may be read by callbacks, not written", () => {
    const { map, memory } = filled("array", 1);
    const entry: MapCursorEntry = { key: 0, value: 0 };
    map.guest!.next(2, 0, entry);
    memory.checkRead(entry.key, 4);
    expect(answer(() => memory.checkWrite(entry.key, 4))).toBe("MEMORY_FAULT");
  });

  test("what a walk is at may be deleted", () => {
    const all = filled("hash", 16);
    expect(sorted(walk(all, (key) => all.map.delete(u32(key))))).toEqual([...Array(16).keys()]);
    expect([...all.map.keys()]).toEqual([]);
  });

  test("what a walk is at may be updated and is not met again", () => {
    const all = filled("hash", 16);
    expect(sorted(walk(all, (key) => all.map.set(u32(key), u64(99))))).toEqual([...Array(16).keys()]);
  });

  test("a walk within a walk leaves the outer one's key as it was", () => {
    const all = filled("array", 16);
    const entry: MapCursorEntry = { key: 0, value: 0 };
    all.map.guest!.next(3, 0, entry);
    const { key } = entry;
    walk(all);
    expect(all.read(key, 4)).toEqual(u32(3));
  });
});

describe("a map and its layout", () => {
  test("the hash is what it is said to be", () => {
    expect(HASH_NAME).toBe("mix32-words");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (key) => {
        expect(hashKey(new DataView(key.buffer), 0, key.length)).toBe(mix32Words(key));
      }),
    );
  });

  test.each([
    { what: "counting up", word: (index: number) => index },
    {
      what: "only in the top byte, as addresses of a subnet",
      word: (index: number) => (index % 256) * 2 ** 24 + (index >> 8),
    },
    { what: "in steps of 4096", word: (index: number) => (index * 4096) % 2 ** 32 },
  ])("keys that differ $what fill most buckets", ({ word }) => {
    const hashes = new Set<number>();
    for (let index = 0; index < 4096; index++) hashes.add(hashKey(new DataView(u32(word(index)).buffer), 0, 4) & 4095);
    // Random hashes would fill 1 - 1/e of them.
    expect(hashes.size).toBeGreaterThan(4096 * 0.55);
  });

  const operation = fc.tuple(
    fc.constantFrom("set", "set", "delete", "get"),
    fc.nat(11),
    fc.nat(255),
    fc.constantFrom(0, 0, 1, 2),
  );

  test.each([
    { type: "hash", keySize: 1, valueSize: 1 },
    { type: "hash", keySize: 4, valueSize: 8 },
    { type: "hash", keySize: 7, valueSize: 13 },
    { type: "hash", keySize: 16, valueSize: 4 },
    { type: "percpu_hash", keySize: 8, valueSize: 4 },
    { type: "array", keySize: 4, valueSize: 3 },
    { type: "percpu_array", keySize: 4, valueSize: 8 },
  ])(
    "$type with keys of $keySize and values of $valueSize bytes is what a model says",
    ({ type, keySize, valueSize }) => {
      const perCpu = type.startsWith("percpu");
      const maxEntries = 6;
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
          const { map, memory } = fixture({ type, keySize, valueSize, maxEntries }, 2);
          const isArray = type.endsWith("array");
          const size = perCpu ? Math.ceil(valueSize / 8) * 16 : valueSize;
          const model = new Map<number, Uint8Array>();
          if (isArray) for (let index = 0; index < maxEntries; index++) model.set(index, new Uint8Array(size));
          const keyOf = (key: number) => Uint8Array.from({ length: keySize }, (_, index) => (index === 0 ? key : 0));
          const bytesOf = (byte: number) =>
            Uint8Array.from({ length: size }, (_, index) =>
              !perCpu || index % (size / 2) < valueSize ? byte + index : 0,
            );

          for (const [what, key, byte, flags] of operations) {
            const there = model.get(key);
            if (what === "set") {
              const refused = isArray
                ? key >= maxEntries
                  ? "E2BIG"
                  : flags === 1
                    ? "EEXIST"
                    : undefined
                : there !== undefined && flags === 1
                  ? "EEXIST"
                  : there === undefined && flags === 2
                    ? "ENOENT"
                    : there === undefined && model.size === maxEntries
                      ? "E2BIG"
                      : undefined;
              expect(answer(() => map.set(keyOf(key), bytesOf(byte), flags))).toBe(refused ?? "ok");
              if (refused === undefined) model.set(key, bytesOf(byte));
            } else if (what === "delete") {
              expect(answer(() => map.delete(keyOf(key)))).toBe(
                isArray ? "EINVAL" : there === undefined ? "ENOENT" : "ok",
              );
              if (!isArray) model.delete(key);
            } else expect(map.get(keyOf(key))).toEqual(there);
          }

          expect([...map.keys()].map((key) => key[0]!).sort((a, b) => a - b)).toEqual(
            [...model.keys()].sort((a, b) => a - b),
          );
          const { data, u8 } = memory.views;
          for (let key = 0; key < 12; key++) {
            for (const cpu of perCpu ? [0, 1] : [0]) {
              const at = lookupByLayout(data, map.layout!, keyOf(key), maxEntries, cpu);
              const stack = memory.reserve("key", keySize, "read-write");
              u8.set(keyOf(key), stack.start);
              expect(at).toBe(map.guest!.lookup(stack.start, cpu));
              memory.release(stack);
              const expected = model.get(key)?.slice((cpu * size) / 2, (cpu * size) / 2 + valueSize);
              expect(at === 0 ? undefined : u8.slice(at, at + valueSize)).toEqual(
                perCpu || at === 0 ? expected : model.get(key),
              );
            }
          }
        }),
        { numRuns: 60 },
      );
    },
  );
});
