import { describe, expect, test } from "vitest";
import { bytes, counting, PacketFixture, toHex } from "./support.js";

const xdp = (length = 64) => new PacketFixture("xdp", counting(length));
/** A frame of 9,000 bytes, of which a program sees 3,520. */
const withFrags = () => {
  const frame = Uint8Array.from({ length: 9000 }, (_, index) => index * 7 + (index >> 8));
  return new PacketFixture("xdp", frame, { dataEnd: 0x4000 + 3520, fragBytes: 5480 });
};

// Results in these tables are those of Linux 6.18.
describe("adjusting", () => {
  test.each([
    { what: "head", by: -217, result: -22, length: 64 },
    { what: "head", by: -216, result: 0, length: 280 },
    { what: "head", by: -1, result: 0, length: 65 },
    { what: "head", by: 0, result: 0, length: 64 },
    { what: "head", by: 50, result: 0, length: 14 },
    { what: "head", by: 51, result: -22, length: 64 },
    { what: "tail", by: -51, result: -22, length: 64 },
    { what: "tail", by: -50, result: 0, length: 14 },
    { what: "tail", by: 1, result: 0, length: 65 },
    { what: "tail", by: 3456, result: 0, length: 3520 },
    { what: "tail", by: 3457, result: -22, length: 64 },
    { what: "meta", by: -220, result: -22, length: 64 },
    { what: "meta", by: -216, result: 0, length: 280 },
    { what: "meta", by: -36, result: 0, length: 100 },
    { what: "meta", by: -33, result: -13, length: 64 },
    { what: "meta", by: -2, result: -13, length: 64 },
    { what: "meta", by: 0, result: 0, length: 64 },
    { what: "meta", by: 4, result: -22, length: 64 },
  ])("$what by $by: $result", ({ what, by, result, length }) => {
    const fixture = xdp();
    expect(fixture.call(`xdp_adjust_${what}`, by)).toBe(result);
    expect(fixture.bytes()).toHaveLength(length);
  });

  test("only the low 32 bits of a delta count", () => {
    expect(xdp().call("xdp_adjust_head", 0xffff_ffff)).toBe(0);
    expect(xdp().call("xdp_adjust_head", 0x1_0000_0032)).toBe(0);
  });

  test.each([
    { first: -32, head: -100, results: [0, 0], length: 196 },
    { first: -32, head: -184, results: [0, 0], length: 280 },
    { first: -32, head: -185, results: [0, -22], length: 96 },
    { first: -32, head: 50, results: [0, 0], length: 46 },
  ])("metadata of $first moves along with the head by $head", ({ first, head, results, length }) => {
    const fixture = xdp();
    const meta = fixture.call("xdp_adjust_meta", first);
    fixture.guest.u8.set(bytes("a1a2a3a4"), fixture.packet.dataMeta);
    expect([meta, fixture.call("xdp_adjust_head", head)]).toEqual(results);
    expect(fixture.bytes()).toHaveLength(length);
    expect(toHex(fixture.guest.read(fixture.packet.dataMeta, 4))).toBe("a1a2a3a4");
  });

  test("what the tail grows by is zero, also where there was something", () => {
    const fixture = xdp();
    fixture.call("xdp_adjust_tail", -50);
    fixture.call("xdp_adjust_tail", 50);
    expect(toHex(fixture.bytes())).toBe(`000102030405060708090a0b0c0d${"00".repeat(50)}`);
  });

  test("what the head grows by is what was there", () => {
    const fixture = xdp();
    fixture.call("xdp_adjust_head", 14);
    fixture.call("xdp_adjust_head", -14);
    expect(fixture.bytes()).toEqual(counting(64));
  });
});

describe("frags", () => {
  test.each([
    { what: "tail", by: -8986, result: 0, length: 14, seen: 14 },
    { what: "tail", by: -8987, result: -22, length: 9000, seen: 3520 },
    { what: "tail", by: -1, result: 0, length: 8999, seen: 3520 },
    { what: "tail", by: -5480, result: 0, length: 3520, seen: 3520 },
    { what: "tail", by: -5481, result: 0, length: 3519, seen: 3519 },
    { what: "tail", by: 2712, result: 0, length: 11_712, seen: 3520 },
    { what: "tail", by: 2713, result: -22, length: 9000, seen: 3520 },
    { what: "head", by: -14, result: 0, length: 9014, seen: 3534 },
    { what: "head", by: 3506, result: 0, length: 5494, seen: 14 },
    { what: "head", by: 3507, result: -22, length: 9000, seen: 3520 },
  ])("$what by $by: $result, $length bytes", ({ what, by, result, length, seen }) => {
    const fixture = withFrags();
    expect(fixture.call(`xdp_adjust_${what}`, by)).toBe(result);
    expect(fixture.call("xdp_get_buff_len")).toBe(length);
    expect(fixture.packet.dataEnd - fixture.packet.data).toBe(seen);
  });

  test("the last one grows by zeros", () => {
    const fixture = withFrags();
    fixture.call("xdp_adjust_tail", -4);
    fixture.call("xdp_adjust_tail", 4);
    expect(toHex(fixture.bytes().subarray(-5))).toBe("1800000000");
  });
});

describe("bytes", () => {
  test.each([
    { offset: 0, length: 4, result: 0, loaded: "00010203ee" },
    { offset: 60, length: 4, result: 0, loaded: "3c3d3e3fee" },
    { offset: 61, length: 4, result: -22, loaded: "eeeeeeeeee" },
    { offset: 64, length: 1, result: -22, loaded: "eeeeeeeeee" },
    { offset: 0xffff, length: 4, result: -22, loaded: "eeeeeeeeee" },
    { offset: 0x1_0000, length: 4, result: -14, loaded: "eeeeeeeeee" },
    { offset: -1, length: 4, result: -14, loaded: "eeeeeeeeee" },
    { offset: 0x1_0000_0000, length: 4, result: 0, loaded: "00010203ee" },
  ])("$length loaded at $offset: $result", ({ offset, length, result, loaded }) => {
    const fixture = xdp();
    const to = fixture.guest.put(bytes("eeeeeeeeee"));
    expect(fixture.call("xdp_load_bytes", offset, to, length)).toBe(result);
    expect(toHex(fixture.guest.read(to, 5))).toBe(loaded);
  });

  test.each([
    { offset: 0, result: 0, first: 0 },
    { offset: 60, result: 0, first: 60 },
    { offset: 61, result: -22, first: -1 },
    { offset: 0x1_0000, result: -14, first: -1 },
  ])("4 stored at $offset: $result", ({ offset, result, first }) => {
    const fixture = xdp();
    const from = fixture.guest.put(bytes("aabbccdd"), false);
    expect(fixture.call("xdp_store_bytes", offset, from, 4)).toBe(result);
    expect(fixture.bytes().indexOf(0xaa)).toBe(first);
  });

  test.each([
    { offset: 3516, loaded: "31383f46" },
    { offset: 3518, loaded: "3f464d54" },
    { offset: 3521, loaded: "545b6269" },
    { offset: 8996, loaded: "1f262d34" },
  ])("from frags, and across their border, at $offset", ({ offset, loaded }) => {
    const fixture = withFrags();
    const to = fixture.guest.put(new Uint8Array(4));
    expect(fixture.call("xdp_load_bytes", offset, to, 4)).toBe(0);
    expect(toHex(fixture.guest.read(to, 4))).toBe(loaded);
  });

  test("a buffer out of reach is a fault", () => {
    expect(() => xdp().call("xdp_load_bytes", 0, 8, 4)).toThrow("write of 4");
    expect(() => xdp().call("xdp_store_bytes", 0, 8, 4)).toThrow("read of 4");
  });
});

test.each(["xdp_adjust_head", "xdp_get_buff_len"])("%s needs a context of XDP", (name) => {
  const skb = new PacketFixture("sched_cls", counting(64));
  expect(() => skb.call(name, 0)).toThrow("the helper needs a context of xdp_md; the program's type is sched_cls");
});
