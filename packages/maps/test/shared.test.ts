import { type GuestMemory, type MapSpec, type MapStorage, mapId } from "@bpfkit/core";
import { attachMap, createMap } from "@bpfkit/maps";
import { attachGuestMemory, createGuestMemory } from "@bpfkit/memory";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { answer, u32, u64 } from "./support.js";

const SPEC: MapSpec = { name: "shared", type: "hash", keySize: 4, valueSize: 8, maxEntries: 6, flags: 0 };

/** A map as its owner and as another thread sees it. */
function twoSided(spec: Partial<MapSpec>): { readonly sides: readonly MapStorage[]; readonly memory: GuestMemory } {
  const memory = createGuestMemory({ shared: true });
  const map = createMap({ ...SPEC, ...spec }, { memory, id: mapId(1), cpus: 2 });
  const data = structuredClone(map.share!([]));
  const other = attachGuestMemory(structuredClone(memory.share({ threads: 1, bytes: 4096 })));
  return { sides: [map, attachMap(data, other)], memory };
}

const operations = fc.array(
  fc.record({
    side: fc.nat(1),
    act: fc.constantFrom("set", "set", "delete", "get"),
    key: fc.nat(9),
    value: fc.nat(255),
    flags: fc.nat(2),
  }),
  { maxLength: 60 },
);

describe("both sides are one map", () => {
  test.each(["array", "hash", "percpu_array", "percpu_hash", "lru_hash", "lru_percpu_hash"])("%s", (type) => {
    fc.assert(
      fc.property(operations, (list) => {
        const { sides } = twoSided({ type });
        const alone = createMap({ ...SPEC, type }, { memory: createGuestMemory(), id: mapId(1), cpus: 2 });
        const values = type.includes("percpu") ? 2 : 1;
        for (const { side, act, key, value, flags } of list) {
          const whole = new Uint8Array(8 * values).fill(value);
          const run = (map: MapStorage): unknown => {
            if (act === "get") return map.get(u32(key));
            return answer(() => (act === "set" ? map.set(u32(key), whole, flags) : map.delete(u32(key))));
          };
          expect(run(sides[side]!)).toEqual(run(alone));
        }
        const keys = [...sides, alone].map((map) => [...map.keys()].map(String).sort());
        expect(keys[0]).toEqual(keys[2]);
        expect(keys[1]).toEqual(keys[2]);
      }),
    );
  });

  test("layouts are the same, and say where the version is", () => {
    const { sides } = twoSided({});
    expect(sides[1]!.layout).toEqual(sides[0]!.layout);
    expect(sides[0]!.layout!.version).toBeDefined();
    const alone = createMap(SPEC, { memory: createGuestMemory(), id: mapId(1) });
    expect(alone.layout!.version).toBeUndefined();
  });

  test("disposing of one side takes nothing from the other", () => {
    const { sides } = twoSided({});
    sides[0]!.set(u32(1), u64(5));
    sides[1]!.dispose!();
    expect(sides[0]!.get(u32(1))).toEqual(u64(5));
  });
});

describe("the version", () => {
  test("is even, goes on where an entry is taken out, and only there", () => {
    const { sides, memory } = twoSided({});
    const [map] = sides;
    const version = (): number => memory.views.i32[map!.layout!.version! / 4]!;
    map!.set(u32(1), u64(1));
    map!.set(u32(2), u64(2));
    expect(version()).toBe(0);
    map!.set(u32(1), u64(3));
    expect(version()).toBe(2);
    map!.delete(u32(2));
    map!.get(u32(2));
    expect(version()).toBe(4);
  });

  test("while it is odd, a key that is not found is looked for under the lock", () => {
    const { sides, memory } = twoSided({});
    const [map, other] = sides;
    memory.views.i32[map!.layout!.version! / 4] = 1;
    expect(other!.guest!.lookup(map!.header, 0)).toBe(0);
  });
});

describe("the lock", () => {
  afterEach(() => void vi.restoreAllMocks());

  test("of a thread that ended in the middle is waited for ten seconds", () => {
    const { sides, memory } = twoSided({});
    const lock = sides[0]!.layout!.version! / 4 - 1;
    memory.views.i32[lock] = 1;
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => {
      now += 3_000;
      return now;
    });
    vi.spyOn(Atomics, "wait").mockReturnValue("timed-out");
    expect(answer(() => sides[1]!.set(u32(1), u64(1)))).toBe("LOCKED");
    expect(vi.mocked(Atomics.wait).mock.calls.map(([, , , milliseconds]) => milliseconds)).toEqual([
      7_000, 4_000, 1_000,
    ]);
    expect(answer(() => void sides[1]!.get(u32(1)))).toBe("LOCKED");
  });

  test("is free after whatever was done under it", () => {
    const { sides, memory } = twoSided({});
    const lock = sides[0]!.layout!.version! / 4 - 1;
    expect(answer(() => sides[0]!.delete(u32(9)))).toBe("ENOENT");
    expect(memory.views.i32[lock]).toBe(0);
  });
});

test("memory of one thread is not shared", () => {
  const map = createMap(SPEC, { memory: createGuestMemory(), id: mapId(1) });
  expect(answer(() => void map.share!([]))).toBe("NOT_SHAREABLE");
});
