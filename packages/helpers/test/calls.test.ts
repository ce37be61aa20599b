import { HELPER_PROTOTYPES, kfuncByName } from "@bpfkit/abi";
import { guestAddress, type MapStorage, mapId } from "@bpfkit/core";
import { fixedEffects, helperTable, hostEffects } from "@bpfkit/helpers";
import { describe, expect, test, vi } from "vitest";
import { callHelper, callWithCallback, counting, Guest, PacketFixture } from "./support.js";

const HEADER = 0x200;

function fakeMap(type: string, more: Partial<MapStorage> = {}): MapStorage {
  return {
    spec: { name: "m", type, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 },
    id: mapId(1),
    header: guestAddress(HEADER),
    get: () => undefined,
    set: () => {},
    delete: () => {},
    keys: () => [],
    ...more,
  };
}

test("every helper of the table is one of Linux, under its id", () => {
  for (const [key, { name }] of helperTable()) {
    expect(typeof key === "number" ? HELPER_PROTOTYPES[key - 1]?.name : kfuncByName(key)?.name).toBe(name);
  }
});

describe("maps", () => {
  const operations = { lookup: vi.fn(() => 0x300), update: vi.fn(() => -17), delete: vi.fn(() => -2), next: () => -1 };
  const maps = [fakeMap("hash", { guest: operations, cpus: 2 })];
  const effects = fixedEffects({ cpu: 1 });

  test("programs' operations are the map's", () => {
    const guest = new Guest();
    const [key, value] = [guest.put(new Uint8Array(4), false), guest.put(new Uint8Array(8), false)];
    const call = (name: string, ...args: (number | bigint)[]) =>
      callHelper(guest, name, [HEADER, ...args], { maps, effects });
    expect(call("map_lookup_elem", key)).toBe(0x300n);
    expect(operations.lookup).toHaveBeenLastCalledWith(key, 1);
    expect(call("map_update_elem", key, value, 0x1_0000_0001n)).toBe(-17n);
    expect(operations.update).toHaveBeenLastCalledWith(key, value, 0x1_0000_0001, 1);
    expect(call("map_delete_elem", key)).toBe(-2n);
    expect(operations.delete).toHaveBeenLastCalledWith(key);
    expect([0, 1, 2].map((cpu) => call("map_lookup_percpu_elem", key, cpu))).toEqual([0x300n, 0x300n, 0n]);
    expect(operations.lookup).toHaveBeenLastCalledWith(key, 1);
  });

  test.each([
    { name: "map_lookup_elem", args: (guest: Guest) => [HEADER, guest.put(new Uint8Array(3))], words: "read of 4" },
    {
      name: "map_update_elem",
      args: (guest: Guest) => [HEADER, guest.put(new Uint8Array(4)), guest.put(new Uint8Array(7)), 0],
      words: "read of 8",
    },
    { name: "map_delete_elem", args: () => [HEADER, 0], words: "read of 4" },
    { name: "map_lookup_elem", args: () => [0x1_0000_0200, 0], words: "no map at" },
  ])("$name with memory out of reach or no map is a fault: $words", ({ name, args, words }) => {
    const guest = new Guest();
    expect(() => callHelper(guest, name, args(guest), { maps })).toThrow(words);
  });

  test("a map programs cannot use is a fault", () => {
    const guest = new Guest();
    const none = [fakeMap("stack_trace")];
    expect(() => callHelper(guest, "map_lookup_elem", [HEADER, guest.put(new Uint8Array(4))], { maps: none })).toThrow(
      "programs cannot use map m of type stack_trace this way",
    );
  });
});

// Results in these tables are those of Linux 6.18.
describe("loop", () => {
  test.each([
    { times: 0, stopAt: -1, flags: 0, result: 0, seen: 0 },
    { times: 5, stopAt: -1, flags: 0, result: 5, seen: 5 },
    { times: 5, stopAt: 2, flags: 0, result: 3, seen: 3 },
    { times: 5, stopAt: 0, flags: 0, result: 1, seen: 1 },
    { times: 5, stopAt: -1, flags: 1, result: -22, seen: 0 },
    { times: 8_388_609, stopAt: -1, flags: 0, result: -7, seen: 0 },
  ])("$times times, stopped at $stopAt, flags $flags: $result", ({ times, stopAt, flags, result, seen }) => {
    const indices: bigint[] = [];
    const r0 = callWithCallback(
      new Guest(),
      "loop",
      [times, 0xf000_0001, 0x1_2345_6789n, flags],
      ([index, context]) => {
        indices.push(index!);
        expect(context).toBe(0x1_2345_6789n);
        return index === BigInt(stopAt) ? 1n : 0n;
      },
    );
    expect(r0).toBe(BigInt(result));
    expect(indices).toEqual(Array.from({ length: seen }, (_, index) => BigInt(index)));
  });

  test("a result of 64 bits stops, whichever half is set", () => {
    expect(callWithCallback(new Guest(), "loop", [5, 0, 0, 0], () => 1n << 32n)).toBe(1n);
  });
});

describe("for_each_map_elem", () => {
  const next = (cursor: number, cpu: number, entry: { key: number; value: number }) => {
    if (cursor === 3) return -1;
    Object.assign(entry, { key: 100 + cursor, value: 200 + cursor + 10 * cpu });
    return cursor + 1;
  };
  const maps = [fakeMap("array", { guest: { lookup: () => 0, update: () => 0, delete: () => 0, next } })];

  test.each([
    { stopAt: -1, flags: 0, result: 3, seen: [0, 1, 2] },
    { stopAt: 1, flags: 0, result: 2, seen: [0, 1] },
    { stopAt: -1, flags: 1, result: -22, seen: [] },
  ])("stopped at $stopAt, flags $flags: $result", ({ stopAt, flags, result, seen }) => {
    const entries: bigint[][] = [];
    const args = [HEADER, 0xf000_0001, 0x99n, flags];
    const r0 = callWithCallback(
      new Guest(),
      "for_each_map_elem",
      args,
      (registers) => {
        entries.push(registers.slice(0, 4));
        return registers[1] === BigInt(100 + stopAt) ? 1n : 0n;
      },
      { maps, effects: fixedEffects({ cpu: 2 }) },
    );
    expect(r0).toBe(BigInt(result));
    expect(entries).toEqual(seen.map((index) => [BigInt(HEADER), BigInt(100 + index), BigInt(220 + index), 0x99n]));
  });
});

describe("redirecting", () => {
  test.each([
    { type: "xdp", name: "redirect", args: [5, 0], result: 4, redirect: { ifindex: 5, flags: 0n } },
    { type: "xdp", name: "redirect", args: [5, 1], result: 0, redirect: undefined },
    { type: "sched_cls", name: "redirect", args: [5, 1], result: 7, redirect: { ifindex: 5, flags: 1n } },
    { type: "sched_cls", name: "redirect", args: [5, 2], result: 2, redirect: undefined },
    { type: "sched_cls", name: "redirect_peer", args: [5, 0], result: 7, redirect: { ifindex: 5, flags: 0n } },
    { type: "sched_cls", name: "redirect_peer", args: [5, 1], result: 2, redirect: undefined },
    { type: "sched_cls", name: "redirect_neigh", args: [5, 0, 0, 0], result: 7, redirect: { ifindex: 5, flags: 0n } },
    { type: "sched_cls", name: "redirect_neigh", args: [5, 0, 0, 1], result: 2, redirect: undefined },
  ])("$name of $type with $args: $result", ({ type, name, args, result, redirect }) => {
    const { guest, context } = new PacketFixture(type, counting(64));
    expect(callHelper(guest, name, args, { context })).toBe(BigInt(result));
    expect(context.redirect).toEqual(redirect);
  });

  test.each([
    { type: "devmap", key: 1, flags: 0n, result: 4 },
    { type: "devmap", key: 0, flags: 0n, result: 0 },
    { type: "devmap", key: 0, flags: 2n, result: 2 },
    { type: "devmap", key: 0, flags: 3n, result: 3 },
    { type: "devmap", key: 0, flags: 4n, result: 0 },
    { type: "devmap", key: 9, flags: 2n, result: 2 },
    { type: "devmap", key: 1, flags: 4n, result: 0 },
    { type: "devmap", key: 1, flags: 2n, result: 4 },
    { type: "devmap", key: 0, flags: 8n, result: 4 },
    { type: "devmap", key: 0, flags: 10n, result: 4 },
    { type: "devmap", key: 1, flags: 1n << 32n, result: 0 },
    { type: "devmap", key: 0x1_0000_0001, flags: 2n, result: 4 },
    { type: "cpumap", key: 0, flags: 2n, result: 2 },
    { type: "cpumap", key: 0, flags: 8n, result: 0 },
  ])("redirect_map to $type with key $key, flags $flags: $result", ({ type, key, flags, result }) => {
    const { guest, context } = new PacketFixture("xdp", counting(64));
    const maps = [fakeMap(type, { get: ([first]) => (first === 1 ? new Uint8Array(4) : undefined) })];
    expect(callHelper(guest, "redirect_map", [HEADER, key, flags], { context, maps })).toBe(BigInt(result));
    expect(context.redirect).toEqual(result === 4 ? { map: "m", key: key % 2 ** 32, flags } : undefined);
  });

  test("redirect_map to another map is a fault", () => {
    const { guest, context } = new PacketFixture("xdp", counting(64));
    const call = () => callHelper(guest, "redirect_map", [HEADER, 0, 0], { context, maps: [fakeMap("array")] });
    expect(call).toThrow("packets are redirected to maps of devmap, devmap_hash, cpumap, xskmap; m is of array");
  });
});

describe("effects", () => {
  test("fixed ones are the same every time", () => {
    const read = () => {
      const guest = new Guest();
      const options = { effects: fixedEffects({ clock: 5n, step: 2n, seed: 42, cpu: 3 }) };
      return [
        ..."ktime_get_ns ktime_get_boot_ns ktime_get_coarse_ns get_prandom_u32 get_prandom_u32".split(" "),
        ..."get_smp_processor_id get_numa_node_id".split(" "),
      ].map((name) => callHelper(guest, name, [], options));
    };
    expect(read()).toEqual([5n, 7n, 9n, 11_355_432n, 2_836_018_348n, 3n, 0n]);
    expect(read()).toEqual(read());
  });

  test("random numbers never get stuck at 0", () => {
    const { random } = fixedEffects({ seed: 0 });
    expect(random()).not.toBe(random());
  });

  test("those of the host go on", () => {
    const lines: string[] = [];
    const effects = hostEffects((line) => lines.push(line));
    const first = effects.clock();
    effects.trace("x");
    expect(effects.clock()).toBeGreaterThanOrEqual(first);
    expect(effects.random()).toBeLessThan(2 ** 32);
    expect([effects.cpu(), lines]).toEqual([0, ["x"]]);
  });
});
