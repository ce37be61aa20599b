import { describe, expect, test } from "vitest";
import { bytes, callHelper, Guest, PacketFixture, toHex } from "./support.js";

const A = "4420823cfde6f1c26b30f90ec7dd01e4887534a2";
const B = "fa0ff0169dc9575674066676cfb0b4eb8902c442";
const ZEROS = "0000000000000000";
const ONES = "ffffffffffffffff";

// Results in these tables are those of Linux 6.18.
describe("csum_diff", () => {
  test.each([
    { from: "", to: A.slice(0, 8), seed: 0, result: 23750 },
    { from: "", to: A, seed: 0, result: 8097 },
    { from: A, to: "", seed: 0, result: 57438 },
    { from: A, to: "", seed: 0xffff, result: 57438 },
    { from: A.slice(0, 8), to: B.slice(0, 8), seed: 0, result: 51747 },
    { from: A, to: B, seed: 0, result: 34282 },
    { from: A, to: B.slice(0, 16), seed: 0xdead_beef, result: 50395 },
    { from: A.slice(0, 16), to: A.slice(0, 16), seed: 0, result: 65535 },
    { from: A.slice(0, 8), to: A.slice(0, 8), seed: 0xffff_ffff, result: 65535 },
    { from: "", to: ZEROS, seed: 0, result: 0 },
    { from: ZEROS, to: "", seed: 0, result: 0 },
    { from: "", to: ONES, seed: 0, result: 65535 },
    { from: ONES, to: ONES, seed: 0, result: 65535 },
    { from: "", to: "", seed: 0, result: 0 },
    { from: "", to: "", seed: 0x1234_5678, result: 26796 },
    { from: "", to: "", seed: 0xffff, result: 65535 },
    { from: "", to: "", seed: 0xffff_ffff, result: 65535 },
    { from: "", to: A.slice(0, 6), seed: 0, result: 8390 },
    { from: A.slice(0, 4), to: B.slice(0, 8), seed: 0, result: 1702 },
    { from: A.slice(0, 16), to: "", seed: 5, result: 63822 },
    { from: "", to: A.slice(0, 8), seed: 0x1_ffff_0000, result: 23750 },
  ])("$from to $to from $seed: $result", ({ from, to, seed, result }) => {
    const guest = new Guest();
    const [one, other] = [bytes(from), bytes(to)];
    const args = [guest.put(one, false), one.length, guest.put(other, false), other.length, seed];
    expect(callHelper(guest, "csum_diff", args)).toBe(BigInt(result));
  });

  test("nothing may lie at 0", () => {
    const guest = new Guest();
    expect(callHelper(guest, "csum_diff", [0, 0, guest.put(bytes(A)), 4, 0])).toBe(23750n);
  });

  test("memory out of reach is a fault", () => {
    const guest = new Guest();
    expect(() => callHelper(guest, "csum_diff", [0, 0, guest.put(bytes(A)), 24, 0])).toThrow("read of 24");
  });
});

/** An IPv4 frame of 64 bytes. */
const FRAME = bytes(
  `010203040506070809 0a0b0c0800 4500003200010000401100000a0000010a000002 ${"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"}`.replaceAll(
    " ",
    "",
  ),
);

describe.each([
  { name: "l3_csum_replace", fixed: 24 },
  { name: "l4_csum_replace", fixed: 40 },
])("$name", ({ name, fixed }) => {
  const rows: {
    offset?: number;
    before?: string;
    from: number;
    to: number;
    flags: number;
    result: number;
    after?: string;
  }[] = {
    l3_csum_replace: [
      { from: 0x0a00, to: 0x0b00, flags: 2, result: 0, after: "fffe" },
      { from: 0x0100_000a, to: 0x0200_000a, flags: 4, result: 0, after: "fffe" },
      { from: 0, to: 0x1234, flags: 0, result: 0, after: "cbed" },
      { from: 1, to: 0x1234, flags: 0, result: -22 },
      { from: 0, to: 0, flags: 0, result: 0, after: "0000" },
      { from: 1, to: 2, flags: 3, result: -22 },
      { from: 1, to: 2, flags: 8, result: -22 },
      { from: 1, to: 2, flags: 0x12, result: -22 },
      { offset: 25, from: 1, to: 2, flags: 2, result: -14 },
      { offset: 62, from: 1, to: 2, flags: 2, result: 0, after: "1b1d" },
      { offset: 64, from: 1, to: 2, flags: 2, result: -14 },
      { offset: 0xffff, from: 1, to: 2, flags: 2, result: -14 },
      { offset: 0x1_0000, from: 1, to: 2, flags: 2, result: -14 },
      { from: 0x1_0000_0001, to: 0x2_0000_0002, flags: 4, result: 0, after: "feff" },
      { from: 0x1_2345, to: 0x6_789a, flags: 2, result: 0, after: "aaaa" },
    ],
    l4_csum_replace: [
      { from: 0x0100_000a, to: 0x0200_000a, flags: 4, result: 0, after: "0606" },
      { from: 0x0100_000a, to: 0x0200_000a, flags: 0x14, result: 0, after: "0606" },
      { from: 1, to: 2, flags: 0x24, result: 0, after: "0507" },
      { from: 0, to: 5, flags: 0, result: 0, after: "0107" },
      { from: 1, to: 5, flags: 0, result: -22 },
      { from: 0, to: 5, flags: 0x10, result: 0, after: "0107" },
      { from: 1, to: 2, flags: 0x84, result: 0, after: "0507" },
      { from: 1, to: 2, flags: 0x104, result: -22 },
      { from: 1, to: 2, flags: 0x62, result: 0, after: "0507" },
      { from: 1, to: 2, flags: 6, result: -22 },
      { offset: 41, from: 1, to: 2, flags: 2, result: -14 },
      { offset: 64, from: 1, to: 2, flags: 2, result: -14 },
      { from: 0x1_2345, to: 0x6_789a, flags: 2, result: 0, after: "b0b1" },
      { before: "0000", from: 1, to: 2, flags: 4, result: 0, after: "feff" },
      { before: "0000", from: 1, to: 2, flags: 0x24, result: 0, after: "0000" },
      { before: "0000", from: 1, to: 2, flags: 0x64, result: 0, after: "feff" },
      { before: "0000", from: 1, to: 2, flags: 0x22, result: 0, after: "0000" },
      { before: "feff", from: 2, to: 1, flags: 4, result: 0, after: "0000" },
      { before: "feff", from: 2, to: 1, flags: 0x24, result: 0, after: "ffff" },
      { before: "feff", from: 1, to: 2, flags: 0x24, result: 0, after: "fdff" },
    ],
  }[name]!;

  test.each(rows)("$before at $offset, $from to $to, flags $flags: $result, $after", (row) => {
    const { offset = fixed, before, from, to, flags, result, after } = row;
    const frame = FRAME.slice();
    if (before !== undefined) frame.set(bytes(before), offset);
    const fixture = new PacketFixture("sched_cls", frame);
    expect(fixture.call(name, offset, from, to, flags)).toBe(result);
    const expected = frame.slice();
    if (after !== undefined) expected.set(bytes(after), offset);
    expect(toHex(fixture.bytes())).toBe(toHex(expected));
  });
});

test("csum_update: no device made a checksum", () => {
  expect(new PacketFixture("sched_cls", FRAME).call("csum_update", 5)).toBe(-524);
});
