import {
  type GuestMemory,
  guestAddress,
  isBpfkitError,
  type MapSpec,
  mapId,
  type Program,
  slotIndex,
} from "@bpfkit/core";
import { createProgramArray } from "@bpfkit/tailcall";
import { describe, expect, test, vi } from "vitest";

/** As much of guest memory as a header takes. */
function fakeMemory(): { memory: GuestMemory; u8: Uint8Array; released: string[] } {
  const u8 = new Uint8Array(256);
  const released: string[] = [];
  const memory = {
    views: { u8 },
    reserve: (name: string, size: number) => ({ name, start: guestAddress(128), size }),
    release: ({ name }: { name: string }) => released.push(name),
  };
  return { memory: memory as unknown as GuestMemory, u8, released };
}

const SPEC: MapSpec = { name: "jumps", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 8, flags: 0 };

function makeArray(spec: Partial<MapSpec> = {}) {
  const { memory } = fakeMemory();
  return createProgramArray(
    { ...SPEC, ...spec },
    { id: mapId(1), memory, programId: (program) => program.name.length },
  );
}

function program(name: string, type: string, more: Partial<Program> = {}): Program {
  const subprograms = [{ name, start: slotIndex(0), linkage: "global" as const }];
  return { name, type, code: new Uint8Array(16), subprograms, references: [], ...more };
}

/** `ok`, or the errno's name. */
function answer(action: () => void): string {
  try {
    action();
    return "ok";
  } catch (error) {
    if (isBpfkitError(error)) return error.code;
    throw error;
  }
}

const sf = program("sf", "socket_filter");
const xdp = program("xdp", "xdp");
const key = (index: number) => new Uint8Array([index, 0, 0, 0]);

describe("creation", () => {
  test.each([
    { what: "keys of 8 bytes", spec: { keySize: 8 }, answer: "EINVAL" },
    { what: "values of 8 bytes", spec: { valueSize: 8 }, answer: "EINVAL" },
    { what: "no entries", spec: { maxEntries: 0 }, answer: "EINVAL" },
    { what: "BPF_F_NO_PREALLOC", spec: { flags: 1 }, answer: "EINVAL" },
    { what: "BPF_F_RDONLY and BPF_F_WRONLY", spec: { flags: 24 }, answer: "EINVAL" },
    { what: "BPF_F_NUMA_NODE", spec: { flags: 4 }, answer: "ok" },
    { what: "another type", spec: { type: "array" }, answer: "EINVAL" },
    { what: "four billion entries", spec: { maxEntries: 2 ** 32 - 1 }, answer: "ok" },
  ])("$what: $answer", ({ spec, answer: expected }) => {
    expect(answer(() => makeArray(spec))).toBe(expected);
  });

  test("the header says what it is, and goes when the array does", () => {
    const { memory, u8, released } = fakeMemory();
    const array = createProgramArray(SPEC, { id: mapId(7), memory, programId: () => 1 });
    const words = new Uint32Array(u8.buffer, array.header + 64, 8);
    expect([...words]).toEqual([3, 4, 4, 8, 0, 0, 0, 7]);
    array.dispose?.();
    expect(released).toEqual(["the header of map `jumps`"]);
  });
});

// Each row is what Linux 6.18 answered to the same.
describe("slots", () => {
  test.each([
    { what: "index at the end", action: () => makeArray().setProgram(8, sf), answer: "E2BIG" },
    { what: "deleting an empty slot", action: () => makeArray().deleteProgram(0), answer: "ENOENT" },
    { what: "deleting past the end", action: () => makeArray().deleteProgram(9), answer: "E2BIG" },
    { what: "BPF_NOEXIST", action: () => makeArray().setProgram(0, sf, 1), answer: "EINVAL" },
    { what: "BPF_EXIST", action: () => makeArray().setProgram(0, sf, 2), answer: "EINVAL" },
    { what: "flags before the index", action: () => makeArray().setProgram(9, sf, 1), answer: "EINVAL" },
    {
      what: "a read-only array before all",
      action: () => makeArray({ flags: 8 }).setProgram(9, sf, 1),
      answer: "EPERM",
    },
    { what: "deleting in a read-only array", action: () => makeArray({ flags: 8 }).deleteProgram(9), answer: "EPERM" },
    { what: "lookup in a write-only array", action: () => makeArray({ flags: 16 }).get(key(0)), answer: "EPERM" },
    { what: "a half index", action: () => makeArray().setProgram(0.5, sf), answer: "EINVAL" },
    { what: "a negative index", action: () => makeArray().setProgram(-1, sf), answer: "EINVAL" },
    { what: "a key of 8 bytes", action: () => makeArray().get(new Uint8Array(8)), answer: "EINVAL" },
    { what: "an update by bytes", action: () => makeArray().set(key(0), key(0)), answer: "EINVAL" },
  ])("$what: $answer", ({ action, answer: expected }) => {
    expect(answer(action)).toBe(expected);
  });

  test("a lookup gives the program's id, nothing for an empty slot or past the end", () => {
    const array = makeArray();
    array.setProgram(2, sf);
    expect([array.get(key(2)), array.get(key(1)), array.get(key(9))]).toEqual([key(2), undefined, undefined]);
  });

  test("keys are all there may be", () => {
    const array = makeArray({ maxEntries: 3 });
    array.setProgram(1, sf);
    expect([...array.keys()]).toEqual([key(0), key(1), key(2)]);
  });

  test("replacing and deleting", () => {
    const array = makeArray();
    const other = program("other", "socket_filter");
    array.setProgram(0, sf);
    array.setProgram(0, other);
    expect(array.programAt(0)).toBe(other);
    array.delete(key(0));
    expect([array.programAt(0), array.programAt(99)]).toEqual([undefined, undefined]);
  });

  test("an error names the map and what would be right", () => {
    expect(() => makeArray().setProgram(8, sf)).toThrow("map jumps: index 8 is past the last, 7");
  });
});

describe("the owner", () => {
  const cgroup = (expectedAttachType?: string) =>
    program("c", "cgroup_skb", expectedAttachType === undefined ? {} : { expectedAttachType });
  test.each([
    { what: "xdp after socket_filter", first: sf, second: xdp, answer: "EINVAL" },
    { what: "sched_cls after socket_filter", first: sf, second: program("c", "sched_cls"), answer: "EINVAL" },
    {
      what: "sched_act after sched_cls",
      first: program("c", "sched_cls"),
      second: program("a", "sched_act"),
      answer: "EINVAL",
    },
    {
      what: "egress after ingress",
      first: cgroup("cgroup_inet_ingress"),
      second: cgroup("cgroup_inet_egress"),
      answer: "EINVAL",
    },
    { what: "ingress after no attach type", first: cgroup(), second: cgroup("cgroup_inet_ingress"), answer: "ok" },
    {
      what: "attach type xdp after none",
      first: xdp,
      second: program("x", "xdp", { expectedAttachType: "xdp" }),
      answer: "EINVAL",
    },
    { what: "XDP frags after none", first: xdp, second: program("x", "xdp", { flags: 32 }), answer: "EINVAL" },
    { what: "other load flags", first: xdp, second: program("x", "xdp", { flags: 1 }), answer: "ok" },
    {
      what: "another license",
      first: sf,
      second: program("s", "socket_filter", { license: "Proprietary" }),
      answer: "ok",
    },
    {
      what: "sock_create after no attach type",
      first: program("s", "cgroup_sock"),
      second: program("s", "cgroup_sock", { expectedAttachType: "cgroup_inet_sock_create" }),
      answer: "ok",
    },
  ])("$what: $answer", ({ first, second, answer: expected }) => {
    const byInsert = makeArray();
    byInsert.setProgram(0, first);
    expect(answer(() => byInsert.setProgram(1, second))).toBe(expected);
    const byLoad = makeArray();
    byLoad.bindOwner(first);
    expect(answer(() => byLoad.setProgram(1, second))).toBe(expected);
    expect(answer(() => byLoad.bindOwner(second))).toBe(expected);
  });

  test("stays after a delete", () => {
    const array = makeArray();
    array.setProgram(0, sf);
    array.deleteProgram(0);
    expect(() => array.setProgram(0, xdp)).toThrow(
      "map jumps: program xdp does not belong in it: its type is xdp, the array's socket_filter",
    );
  });

  test("a refused program leaves no owner behind", () => {
    const array = makeArray();
    expect(answer(() => array.setProgram(8, sf))).toBe("E2BIG");
    expect(answer(() => array.setProgram(0, xdp))).toBe("ok");
  });
});

describe("listeners", () => {
  test("hear of each change at once, until they stop", () => {
    const array = makeArray();
    const seen = vi.fn((index: number) => array.programAt(index)?.name);
    const stop = array.onChange(seen);
    array.setProgram(3, sf);
    array.deleteProgram(3);
    expect(seen.mock.calls).toEqual([
      [3, sf],
      [3, undefined],
    ]);
    expect(seen.mock.results.map(({ value }) => value)).toEqual(["sf", undefined]);
    stop();
    array.setProgram(3, sf);
    expect(seen).toHaveBeenCalledTimes(2);
  });

  test("one that throws refuses the change", () => {
    const array = makeArray();
    array.setProgram(0, sf);
    const before = vi.fn();
    array.onChange(before);
    array.onChange(() => {
      throw new Error("cannot be linked");
    });
    const other = program("other", "socket_filter");
    expect(() => array.setProgram(0, other)).toThrow("cannot be linked");
    expect(array.programAt(0)).toBe(sf);
    expect(before.mock.calls).toEqual([
      [0, other],
      [0, sf],
    ]);
  });
});
