import { readFileSync } from "node:fs";
import { CONTEXT_STRUCTS } from "@bpfkit/abi";
import { createContext } from "@bpfkit/program-types";
import { describe, expect, test } from "vitest";
import { answer, counting, FakeMemory, FRAMES } from "./support.js";

const SKB = CONTEXT_STRUCTS.get("__sk_buff")!;

/** What programs of a type read from their context on Linux 6.18, by "type frame"; what is 0 is left out. */
const recorded: Readonly<Record<string, Readonly<Record<string, number>>>> = JSON.parse(
  readFileSync(new URL("./context-values.json", import.meta.url), "utf8"),
);

/** What the test run was given where the record says "set". */
const SET = {
  mark: 1,
  priority: 2,
  ingress_ifindex: 3,
  ifindex: 1,
  cb0: 4,
  cb1: 5,
  cb2: 6,
  cb3: 7,
  cb4: 8,
  tstamp: 9n,
  wire_len: 100,
  gso_segs: 10,
  gso_size: 11,
  hwtstamp: 12n,
};

/** All a program of the type can read of a context but addresses, what is 0 left out. */
function readAll(guest: FakeMemory, type: string, context: number): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { name, offset, size, count = 1, readable, pointer } of SKB.fields) {
    if (!readable.includes(type) || pointer !== undefined) continue;
    for (let index = 0; index < count; index++) {
      const at = context + offset + (index * size) / count;
      const read = { 1: "getUint8", 4: "getUint32", 8: "getBigUint64" } as const;
      const value = Number(guest.data[read[(size / count) as 1 | 4 | 8]](at, true));
      if (value !== 0) values[count === 1 ? name : `${name}${index}`] = value;
    }
  }
  return values;
}

describe("what programs see", () => {
  test.each(Object.keys(recorded))("%s", (key) => {
    const [type, what, more] = key.split(" ") as [string, string, string?];
    const guest = new FakeMemory();
    const ctx = what === "set" ? SET : more === "ctx" ? {} : undefined;
    const data = FRAMES[what === "set" ? "zeros" : what]!;
    const { r1, r2 } = createContext(type, guest.memory).build({ data, ...(ctx === undefined ? {} : { ctx }) });
    expect([readAll(guest, type, Number(r1)), r2]).toEqual([recorded[key], 0n]);
  });

  test.each([
    { type: "sched_cls", first: 0 },
    { type: "socket_filter", first: 14 },
    { type: "cgroup_skb", first: 14 },
    { type: "lwt_xmit", first: 14 },
  ])("$type sees the frame from byte $first on, and no byte more", ({ type, first }) => {
    const guest = new FakeMemory();
    const { packet, r1 } = createContext(type, guest.memory).build({ data: counting(64) });
    const { data, dataEnd, mac, network } = packet!;
    expect(guest.u8.slice(data, dataEnd)).toEqual(counting(64).subarray(first));
    expect([mac, network]).toEqual([data - first, data - first + 14]);
    expect([76, 80, 140].map((offset) => guest.data.getUint32(Number(r1) + offset, true))).toEqual([
      data,
      dataEnd,
      data,
    ]);
    expect(guest.may("write", data, 64 - first)).toBe(true);
    expect([guest.may("read", data - 1, 1), guest.may("read", dataEnd, 1)]).toEqual([false, false]);
  });

  test.each([
    { frame: "zeros", socket: { 72: 7, 76: 0xffff_ffff } },
    { frame: "ipv4", socket: { 4: 2, 24: 0x0100_000a, 52: 0x0200_000a, 72: 7, 76: 0xffff_ffff } },
    {
      frame: "ipv6",
      socket: { 4: 10, 28: 0xb80d_0120, 40: 0x0100_0000, 56: 0xb80d_0120, 68: 0x0200_0000, 72: 7, 76: 0xffff_ffff },
    },
  ])("the socket of $frame", ({ frame, socket }) => {
    const guest = new FakeMemory();
    const { r1 } = createContext("cgroup_skb", guest.memory).build({ data: FRAMES[frame]! });
    const at = Number(guest.data.getBigUint64(Number(r1) + 168, true));
    const words = Array.from({ length: 20 }, (_, index) => [4 * index, guest.data.getUint32(at + 4 * index, true)]);
    expect(Object.fromEntries(words.filter(([, word]) => word !== 0))).toEqual(socket);
    expect([guest.may("read", at, 80), guest.may("write", at, 1)]).toEqual([true, false]);
  });
});

describe("what programs may write", () => {
  // Rows: offset and size of what can be written; a field in the second half of 8 bytes opens the first half too.
  test.each([
    { type: "socket_filter", writable: ["48-67"] },
    { type: "sched_cls", writable: ["8-15", "32-35", "40-67", "72-75", "152-159"] },
    { type: "cgroup_skb", writable: ["8-11", "32-35", "48-67", "152-159"] },
    { type: "lwt_in", writable: ["8-11", "32-35", "48-67"] },
  ])("$type: $writable", ({ type, writable }) => {
    const guest = new FakeMemory();
    const { r1 } = createContext(type, guest.memory).build({ data: FRAMES["zeros"]! });
    const parts: number[][] = [];
    for (let offset = 0; offset < 200; offset++) {
      if (!guest.may("write", Number(r1) + offset, 1)) continue;
      if (parts.at(-1)?.at(-1) === offset - 1) parts.at(-1)!.push(offset);
      else parts.push([offset]);
    }
    expect(parts.map((part) => `${part[0]}-${part.at(-1)}`)).toEqual(writable);
    expect([guest.may("read", Number(r1), 192), guest.may("read", Number(r1) + 192, 1)]).toEqual([true, false]);
  });
});

// Answers are those of Linux 6.18.
describe("what is refused", () => {
  test.each([
    { frame: "ipv4", length: 33, expected: "EINVAL" },
    { frame: "ipv4", length: 34, expected: "ok" },
    { frame: "ipv6", length: 53, expected: "EINVAL" },
    { frame: "ipv6", length: 54, expected: "ok" },
    { frame: "zeros", length: 13, expected: "EINVAL" },
    { frame: "zeros", length: 14, expected: "ok" },
  ])("$length bytes of $frame: $expected", ({ frame, length, expected }) => {
    for (const type of ["sched_cls", "socket_filter", "cgroup_skb"]) {
      const build = () =>
        createContext(type, new FakeMemory().memory).build({ data: FRAMES[frame]!.subarray(0, length) });
      expect(answer(build)).toBe(expected);
    }
  });

  test.each<{ ctx: Record<string, number | bigint>; expected: string }>([
    { ctx: { wire_len: 63 }, expected: "EINVAL" },
    { ctx: { wire_len: 64 }, expected: "ok" },
    { ctx: { wire_len: 65_536 }, expected: "ok" },
    { ctx: { wire_len: 65_537 }, expected: "EINVAL" },
    { ctx: { gso_segs: 65_535 }, expected: "ok" },
    { ctx: { gso_segs: 65_536 }, expected: "EINVAL" },
    { ctx: { len: 1 }, expected: "UNKNOWN_FIELD" },
    { ctx: { tc_index: 1 }, expected: "UNKNOWN_FIELD" },
    { ctx: { cb: 1 }, expected: "UNKNOWN_FIELD" },
    { ctx: { toString: 1 }, expected: "UNKNOWN_FIELD" },
    { ctx: { mark: 2 ** 32 }, expected: "BAD_VALUE" },
    { ctx: { mark: -1 }, expected: "BAD_VALUE" },
    { ctx: { mark: 0.5 }, expected: "BAD_VALUE" },
    { ctx: { tstamp: 2n ** 64n - 1n }, expected: "ok" },
  ])("$ctx: $expected", ({ ctx, expected }) => {
    const build = () => createContext("sched_cls", new FakeMemory().memory).build({ data: FRAMES["zeros"]!, ctx });
    expect(answer(build)).toBe(expected);
  });

  test("errors say what would be right", () => {
    const builder = createContext("sched_cls", new FakeMemory().memory);
    expect(() => builder.build({ data: new Uint8Array(13) })).toThrow(
      "a packet has at least 14 bytes, an Ethernet header; this one has 13",
    );
    expect(() => builder.build({ data: FRAMES["ipv4"]!.subarray(0, 20) })).toThrow(
      "an IPv4 packet has at least 20 bytes behind its Ethernet header; this one has 6",
    );
    expect(() => builder.build({ data: FRAMES["zeros"]!, ctx: { len: 1 } })).toThrow(
      /len cannot be set; those that can are mark/,
    );
  });
});

describe("what comes back", () => {
  test.each([
    { type: "sched_cls", dataOut: counting(64), action: "TC_ACT_SHOT" },
    {
      type: "socket_filter",
      dataOut: new Uint8Array([...new Uint8Array(14), ...counting(64).subarray(14)]),
      action: undefined,
    },
  ])("$type", ({ type, dataOut, action }) => {
    const builder = createContext(type, new FakeMemory().memory);
    const context = builder.build({ data: counting(64) });
    expect(builder.readBack(context, 2n)).toEqual(action === undefined ? { dataOut } : { dataOut, action });
  });

  test("fields that are others now, unsigned", () => {
    const guest = new FakeMemory();
    const builder = createContext("sched_cls", guest.memory);
    const context = builder.build({ data: counting(64), ctx: { mark: 1, cb0: 5 } });
    const at = Number(context.r1);
    guest.data.setUint32(at + 8, 0xffff_ffff, true);
    guest.data.setUint32(at + 52, 7, true);
    guest.data.setBigUint64(at + 152, 2n ** 63n, true);
    expect(builder.readBack(context, 0n).ctx).toEqual({ mark: 0xffff_ffffn, cb1: 7n, tstamp: 2n ** 63n });
  });

  test("a packet that helpers moved", () => {
    const guest = new FakeMemory();
    const builder = createContext("sched_cls", guest.memory);
    const context = builder.build({ data: counting(64) });
    const { packet } = context;
    packet!.move(packet!.data - 2, packet!.data - 2, packet!.dataEnd - 1);
    expect(builder.readBack(context, 0n).dataOut).toHaveLength(65);
    expect(guest.data.getUint32(Number(context.r1), true)).toBe(65);
    expect([guest.may("write", packet!.data, 65), guest.may("read", packet!.dataEnd, 1)]).toEqual([true, false]);
  });
});
