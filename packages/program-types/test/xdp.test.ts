import { createContext } from "@bpfkit/program-types";
import { describe, expect, test } from "vitest";
import { answer, counting, FakeMemory } from "./support.js";

function build(length: number, ctx?: Record<string, number>) {
  const guest = new FakeMemory();
  const builder = createContext("xdp", guest.memory);
  const data = Uint8Array.from({ length }, (_, index) => index * 7 + (index >> 8));
  const context = builder.build({ data, ...(ctx === undefined ? {} : { ctx }) });
  const field = (offset: number) => guest.data.getUint32(Number(context.r1) + offset, true);
  return { guest, builder, context, data, packet: context.packet!, field };
}

// Values and answers are those of Linux 6.18.
describe("what programs see", () => {
  test("the whole frame, on the loopback device", () => {
    const { guest, context, packet, field } = build(64);
    expect([0, 4, 8, 12, 16, 20].map(field)).toEqual([packet.data, packet.dataEnd, packet.data, 1, 0, 0]);
    expect([packet.dataEnd - packet.data, context.r2, packet.fragBytes]).toEqual([64, 0n, undefined]);
    expect([guest.may("write", packet.data, 64), guest.may("read", packet.dataEnd, 1)]).toEqual([true, false]);
    expect([guest.may("read", packet.data - 1, 1), guest.may("write", Number(context.r1), 1)]).toEqual([false, false]);
  });

  test("room: 216 bytes in front, 3,520 for the packet", () => {
    const { packet } = build(64);
    expect([packet.data - packet.head, packet.limit - packet.data]).toEqual([216, 3520]);
  });

  test.each([
    { length: 14, seen: 14, frags: undefined },
    { length: 3520, seen: 3520, frags: undefined },
    { length: 3521, seen: 3520, frags: 1 },
    { length: 9000, seen: 3520, frags: 5480 },
  ])("of $length bytes $seen, the rest are frags", ({ length, seen, frags }) => {
    const { guest, builder, context, data, packet } = build(length);
    expect([packet.dataEnd - packet.data, packet.fragBytes]).toEqual([seen, frags]);
    expect([guest.may("read", packet.data, seen), guest.may("read", packet.dataEnd, 1)]).toEqual([true, false]);
    expect(builder.readBack(context, 2n)).toEqual({ dataOut: data, action: "XDP_PASS" });
  });
});

describe("context fields", () => {
  test.each([
    { ctx: { ingress_ifindex: 2 }, expected: [2, 0, 0] },
    { ctx: { ingress_ifindex: 2, rx_queue_index: 3 }, expected: [2, 3, 0] },
    { ctx: { data: 4 }, expected: [1, 0, 4] },
    { ctx: { data: 48, data_end: 64 }, expected: [1, 0, 48] },
  ])("$ctx", ({ ctx, expected }) => {
    const { field, builder, context, data } = build(64, ctx);
    expect([field(12), field(16), field(0) - field(8)]).toEqual(expected);
    expect(builder.readBack(context, 0n).dataOut).toEqual(data);
  });

  test("data_end leaves the rest to frags", () => {
    const { packet } = build(64, { data: 4, data_end: 32 });
    expect([packet.data - packet.dataMeta, packet.dataEnd - packet.data, packet.fragBytes]).toEqual([4, 28, 32]);
  });

  test.each([
    { ctx: { data: 3 }, expected: "EINVAL" },
    { ctx: { data: 52 }, expected: "EINVAL" },
    { ctx: { data: 64, data_end: 64 }, expected: "EINVAL" },
    { ctx: { data_end: 65 }, expected: "EINVAL" },
    { ctx: { data: 32, data_end: 16 }, expected: "EINVAL" },
    { ctx: { data_meta: 1 }, expected: "UNKNOWN_FIELD" },
    { ctx: { mark: 1 }, expected: "UNKNOWN_FIELD" },
  ])("$ctx: $expected", ({ ctx, expected }) => {
    expect(answer(() => build(64, ctx))).toBe(expected);
  });

  test("metadata is at most 216 bytes", () => {
    expect([answer(() => build(400, { data: 216 })), answer(() => build(400, { data: 220 }))]).toEqual([
      "ok",
      "EINVAL",
    ]);
  });

  test("a short frame is refused", () => {
    expect(() => build(13)).toThrow("a packet has at least 14 bytes, an Ethernet header; this one has 13");
    expect(() => build(64, { data: 52 })).toThrow("this one has 12 behind 52 bytes of metadata");
  });
});

describe("what comes back", () => {
  test("metadata is part of it, and a move shows in the context", () => {
    const { builder, context, packet, field } = build(64);
    packet.move(packet.data - 32, packet.data, packet.dataEnd);
    expect(field(8)).toBe(packet.data - 32);
    expect(builder.readBack(context, 1n).dataOut).toHaveLength(96);
  });

  test.each([
    [0n, "XDP_ABORTED"],
    [4n, "XDP_REDIRECT"],
    [5n, undefined],
    [0x1_0000_0003n, "XDP_TX"],
  ])("r0 %s is %s", (r0, action) => {
    const { builder, context } = build(64);
    expect(builder.readBack(context, r0).action).toBe(action);
  });
});

test("what was in front of and behind one packet is zero for the next", () => {
  const guest = new FakeMemory();
  const builder = createContext("xdp", guest.memory);
  const { packet } = builder.build({ data: counting(1000) });
  guest.u8.fill(0xee, packet!.head, packet!.limit);
  const next = builder.build({ data: counting(14) }).packet!;
  expect(guest.u8.subarray(next.head, next.data).every((byte) => byte === 0)).toBe(true);
  expect(guest.u8.subarray(next.dataEnd, next.limit).every((byte) => byte === 0)).toBe(true);
});
