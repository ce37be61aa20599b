import { describe, expect, test } from "vitest";
import { bytes, callHelper, counting, Guest, PacketFixture, toHex } from "./support.js";

/** Room as `@bpfkit/program-types` makes it. */
const ROOM = { head: 0x4000 - 0x3000, limit: 0x1_0000 } as never;
const frame = counting(64);
const skb = (type = "sched_cls") => new PacketFixture(type, frame, ROOM, type === "sched_cls" ? 0 : 14);

// Results in these tables are those of Linux 6.18.
describe("loading", () => {
  const load = (type: string, offset: number, length: number, header?: number) => {
    const fixture = skb(type);
    const to = fixture.guest.put(bytes("eeeeeeeeee"));
    const name = header === undefined ? "skb_load_bytes" : "skb_load_bytes_relative";
    const result = fixture.call(name, offset, to, length, header ?? 0);
    return [result, toHex(fixture.guest.read(to, length + 1))];
  };

  test.each([
    { type: "sched_cls", offset: 0, expected: [0, "00010203ee"] },
    { type: "sched_cls", offset: 60, expected: [0, "3c3d3e3fee"] },
    { type: "sched_cls", offset: 61, expected: [-14, "00000000ee"] },
    { type: "sched_cls", offset: 0x7fff_ffff, expected: [-14, "00000000ee"] },
    { type: "sched_cls", offset: 0x8000_0000, expected: [-14, "00000000ee"] },
    { type: "sched_cls", offset: -1, expected: [-14, "00000000ee"] },
    { type: "socket_filter", offset: 0, expected: [0, "0e0f1011ee"] },
    { type: "socket_filter", offset: 46, expected: [0, "3c3d3e3fee"] },
    { type: "socket_filter", offset: 47, expected: [-14, "00000000ee"] },
  ])("$type at $offset: $expected", ({ type, offset, expected }) => {
    expect(load(type, offset, 4)).toEqual(expected);
  });

  test.each(["sched_cls", "socket_filter"])("%s from the link and from the network header on", (type) => {
    const rows = [
      [0, 4, 0],
      [0, 4, 1],
      [10, 4, 0],
      [46, 4, 1],
      [47, 4, 1],
      [50, 1, 1],
      [60, 4, 0],
      [61, 4, 0],
      [0, 4, 2],
      [0xffff, 4, 1],
      [0x1_0000, 4, 1],
      [-1, 4, 0],
    ] as const;
    expect(rows.map(([offset, length, header]) => load(type, offset, length, header).join(" "))).toEqual([
      "0 00010203ee",
      "0 0e0f1011ee",
      "0 0a0b0c0dee",
      "0 3c3d3e3fee",
      "-14 00000000ee",
      "-14 00ee",
      "0 3c3d3e3fee",
      "-14 00000000ee",
      "-14 00000000ee",
      "-14 00000000ee",
      "-14 00000000ee",
      "-14 00000000ee",
    ]);
  });
});

describe("storing", () => {
  test.each([
    { offset: 0, flags: 0, result: 0 },
    { offset: 60, flags: 0, result: 0 },
    { offset: 61, flags: 0, result: -14 },
    { offset: 0, flags: 3, result: 0 },
    { offset: 0, flags: 4, result: -22 },
    { offset: 0, flags: 0x1_0000_0000, result: -22 },
    { offset: 0x8000_0000, flags: 0, result: -14 },
    { offset: -1, flags: 0, result: -14 },
  ])("4 bytes at $offset, flags $flags: $result", ({ offset, flags, result }) => {
    const fixture = skb();
    const from = fixture.guest.put(bytes("aabbccdd"), false);
    expect(fixture.call("skb_store_bytes", offset, from, 4, flags)).toBe(result);
    const expected = frame.slice();
    if (result === 0) expected.set(bytes("aabbccdd"), offset);
    expect(fixture.bytes()).toEqual(expected);
  });

  test("BPF_F_INVALIDATE_HASH forgets the hash", () => {
    const fixture = skb();
    fixture.call("set_hash", 77);
    expect(fixture.field(68)).toBe(77);
    fixture.call("skb_store_bytes", 0, fixture.guest.put("x"), 1, 2);
    expect(fixture.field(68)).toBe(0);
    fixture.call("set_hash", 77);
    fixture.call("set_hash_invalid");
    expect(fixture.field(68)).toBe(0);
  });
});

describe("changing", () => {
  test.each([
    { type: "sched_cls", length: 0, result: 0 },
    { type: "sched_cls", length: 64, result: 0 },
    { type: "sched_cls", length: 65, result: -12 },
    { type: "sched_cls", length: -1, result: -12 },
    { type: "lwt_xmit", length: 50, result: 0 },
    { type: "lwt_xmit", length: 51, result: -12 },
  ])("$type pulls $length: $result", ({ type, length, result }) => {
    expect(skb(type).call("skb_pull_data", length)).toBe(result);
  });

  test.each([
    { type: "sched_cls", length: 13, flags: 0, result: -22, left: 64 },
    { type: "sched_cls", length: 14, flags: 0, result: 0, left: 14 },
    { type: "sched_cls", length: 63, flags: 0, result: 0, left: 63 },
    { type: "sched_cls", length: 128, flags: 0, result: 0, left: 128 },
    { type: "sched_cls", length: 16_064, flags: 0, result: 0, left: 16_064 },
    { type: "sched_cls", length: 16_065, flags: 0, result: -22, left: 64 },
    { type: "sched_cls", length: -1, flags: 0, result: -22, left: 64 },
    { type: "sched_cls", length: 60, flags: 1, result: -22, left: 64 },
    { type: "lwt_xmit", length: 0, flags: 0, result: 0, left: 0 },
    { type: "lwt_xmit", length: 16_064, flags: 0, result: 0, left: 16_064 },
  ])("$type's tail to $length, flags $flags: $result", ({ type, length, flags, result, left }) => {
    const fixture = skb(type);
    const hidden = type === "sched_cls" ? 0 : 14;
    expect(fixture.call("skb_change_tail", length, flags)).toBe(result);
    const expected = new Uint8Array(left);
    expected.set(frame.subarray(hidden, hidden + left));
    expect(fixture.bytes()).toEqual(expected);
  });

  test.each([
    { type: "sched_cls", by: 0, flags: 0, result: 0, length: 64 },
    { type: "sched_cls", by: 14, flags: 0, result: 0, length: 78 },
    { type: "sched_cls", by: 1000, flags: 0, result: 0, length: 1064 },
    { type: "sched_cls", by: 16_001, flags: 0, result: -22, length: 64 },
    { type: "sched_cls", by: -1, flags: 0, result: -22, length: 64 },
    { type: "lwt_xmit", by: 14, flags: 0, result: 0, length: 64 },
    { type: "lwt_xmit", by: 4, flags: 1, result: -22, length: 50 },
  ])("$type's head by $by, flags $flags: $result", ({ type, by, flags, result, length }) => {
    const fixture = skb(type);
    fixture.guest.u8.fill(0xee, 0x3000, 0x3f00);
    expect(fixture.call("skb_change_head", by, flags)).toBe(result);
    const hidden = type === "sched_cls" ? 0 : 14;
    expect(fixture.bytes()).toHaveLength(length);
    if (result === 0)
      expect(fixture.bytes()).toEqual(new Uint8Array([...new Uint8Array(by), ...frame.subarray(hidden)]));
  });

  test("past the room in front there is no memory", () => {
    expect(skb().call("skb_change_head", 0x3001, 0)).toBe(-12);
  });

  test("a new head is where the link header is now, the network header stays", () => {
    const fixture = skb();
    fixture.call("skb_change_head", 4, 0);
    const to = fixture.guest.put(new Uint8Array(4));
    fixture.call("skb_load_bytes_relative", 0, to, 4, 0);
    expect(toHex(fixture.guest.read(to, 4))).toBe("00000000");
    fixture.call("skb_load_bytes_relative", 0, to, 4, 1);
    expect(toHex(fixture.guest.read(to, 4))).toBe("0e0f1011");
    expect(fixture.call("skb_change_tail", 17, 0)).toBe(-22);
    expect(fixture.call("skb_change_tail", 18, 0)).toBe(0);
  });

  test("the packet's type", () => {
    const fixture = skb();
    expect([fixture.call("skb_change_type", 3), fixture.call("skb_change_type", 4)]).toEqual([0, -22]);
    expect(fixture.field(4)).toBe(3);
  });
});

test("r1 must be the context", () => {
  const fixture = skb();
  expect(() => callHelper(fixture.guest, "skb_pull_data", [0x108, 0], { context: fixture.context })).toThrow(
    "r1 must be the program's context, 0x100, not 0x108",
  );
  expect(() => callHelper(new Guest(), "skb_pull_data", [0, 0])).toThrow("needs a context of a packet");
  expect(() => new PacketFixture("xdp", frame).call("skb_pull_data", 0)).toThrow("needs a context of __sk_buff");
});

test("sockets are those of packets: full, of no protocol", () => {
  const guest = new Guest();
  const socket = guest.put(new Uint8Array(80), false);
  expect(callHelper(guest, "sk_fullsock", [socket])).toBe(BigInt(socket));
  expect([callHelper(guest, "tcp_sock", [socket]), callHelper(guest, "get_listener_sock", [socket])]).toEqual([0n, 0n]);
  expect(() => callHelper(guest, "sk_fullsock", [0])).toThrow("read of 80");
});
