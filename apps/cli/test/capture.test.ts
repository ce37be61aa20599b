import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCapture } from "../src/capture/read.js";
import { toHex } from "../src/hex.js";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replace(/\s+/g, ""), "hex"));

/** Bytes of words of 2 and 4 bytes in one byte order. */
function writer(littleEndian: boolean) {
  const number = (value: number, bytes: number): number[] => {
    const all = Array.from({ length: bytes }, (_, index) => (value / 2 ** (8 * index)) & 0xff);
    return littleEndian ? all : all.reverse();
  };
  return { u16: (value: number) => number(value, 2), u32: (value: number) => number(value, 4) };
}

const FIRST = [1, 2, 3, 4, 5];
const SECOND = [0xff];

function pcap({ littleEndian = true, magic = 0xa1b2c3d4, linkType = 1 } = {}): Uint8Array {
  const { u16, u32 } = writer(littleEndian);
  const header = [...u32(magic), ...u16(2), ...u16(4), ...u32(0), ...u32(0), ...u32(65535), ...u32(linkType)];
  const record = (data: number[]): number[] => [...u32(9), ...u32(9), ...u32(data.length), ...u32(99), ...data];
  return Uint8Array.from([...header, ...record(FIRST), ...record(SECOND)]);
}

function pcapng(littleEndian: boolean): Uint8Array {
  const { u16, u32 } = writer(littleEndian);
  const block = (type: number, body: number[]): number[] => {
    const padded = [...body, ...Array.from({ length: -body.length & 3 }, () => 0)];
    return [...u32(type), ...u32(padded.length + 12), ...padded, ...u32(padded.length + 12)];
  };
  return Uint8Array.from([
    ...block(0x0a0d0d0a, [...u32(0x1a2b3c4d), ...u16(1), ...u16(0), ...u32(0xffffffff), ...u32(0xffffffff)]),
    ...block(1, [...u16(1), ...u16(0), ...u32(3)]),
    ...block(6, [...u32(0), ...u32(0), ...u32(0), ...u32(FIRST.length), ...u32(60), ...FIRST]),
    ...block(5, [...u32(0), ...u32(0)]),
    ...block(3, [...u32(60), 7, 8, 9]),
    ...block(2, [...u16(0), ...u16(0), ...u32(0), ...u32(0), ...u32(SECOND.length), ...u32(1), ...SECOND]),
  ]);
}

const packetsOf = (bytes: Uint8Array): string[] => Array.from(readCapture(bytes, "a.pcap"), toHex);

describe("pcap", () => {
  test.each([
    ["little endian", pcap()],
    ["big endian", pcap({ littleEndian: false })],
    ["nanoseconds", pcap({ magic: 0xa1b23c4d })],
    ["nanoseconds, big endian", pcap({ magic: 0xa1b23c4d, littleEndian: false })],
    ["frames with a check sequence", pcap({ linkType: 0x14000001 })],
  ])("%s", (_, bytes) => expect(packetsOf(bytes)).toEqual(["0102030405", "ff"]));

  test("no packet at all", () => expect(packetsOf(pcap().subarray(0, 24))).toEqual([]));
});

describe("pcapng", () => {
  test.each([true, false])("packets of every kind of block, little endian %s", (littleEndian) => {
    expect(packetsOf(pcapng(littleEndian))).toEqual(["0102030405", "070809", "ff"]);
  });

  test("a second section has a byte order and interfaces of its own", () => {
    expect(packetsOf(Uint8Array.from([...pcapng(true), ...pcapng(false)]))).toHaveLength(6);
  });
});

describe("what cannot be read is said", () => {
  test.each([
    ["nothing", new Uint8Array(0), "a.pcap: is no pcap or pcapng file"],
    ["text", new TextEncoder().encode("hello"), "a.pcap: is no pcap or pcapng file"],
    ["a header cut off", pcap().subarray(0, 23), "a.pcap: ends within the file header"],
    [
      "raw IP",
      pcap({ linkType: 101 }),
      "a.pcap, offset 20: its packets are of link type 101 (raw IP); only Ethernet (1) is run",
    ],
    ["a packet cut off", pcap().subarray(0, 43), "a.pcap, offset 24: packet 1 needs 21 bytes, 19 are left"],
    ["a record header cut off", pcap().subarray(0, 50), "a.pcap, offset 45: packet 2 needs 16 bytes, 5 are left"],
    [
      "a length out of proportion",
      bytesOf("d4c3b2a1 02000400 00000000 00000000 ffff0000 01000000 00000000 00000000 ffffffff ffffffff"),
      "packet 1 needs 4294967311 bytes, 16 are left",
    ],
    ["a block cut off", pcapng(true).subarray(0, 60), "a.pcap, offset 48: a block of 40 bytes, 12 are left"],
    ["a block without length", bytesOf("0a0d0d0a 00000000 4d3c2b1a"), "a block of 0 bytes cannot be"],
    ["no byte order", bytesOf("0a0d0d0a 1c000000 00000000"), "a section header without its byte-order mark"],
  ])("%s", (_, bytes, message) => expect(() => readCapture(bytes, "a.pcap")).toThrow(message));
});

test("any bytes give packets within them or an error of its own", () => {
  const flips = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(
      fc.constantFrom(pcap(), pcapng(true), pcapng(false)),
      flips,
      fc.nat(200),
      (original, changes, length) => {
        const bytes = original.slice(0, original.length - (length % original.length));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          const total = [...readCapture(bytes, "a")].reduce((sum, packet) => sum + packet.length, 0);
          expect(total).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toMatchObject({ code: "BAD_CAPTURE" });
        }
      },
    ),
  );
});
