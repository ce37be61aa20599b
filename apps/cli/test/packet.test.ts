import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../src/hex.js";
import { buildPacket } from "../src/packet/build.js";
import { internetChecksum } from "../src/packet/checksum.js";

const hex = (text: string): string => toHex(buildPacket(text));

describe("layers", () => {
  // Each expectation is the frame by hand, from the RFC of its header.
  test.each([
    ["eth", "020000000002" + "020000000001" + "88b5"],
    [
      "eth(dst=ff:ff:ff:ff:ff:ff,src=2:0:0:0:0:9)/arp",
      "ffffffffffff" + "020000000009" + "0806" + "0001080006040001" + "0200000000010a000001" + "0000000000000a000002",
    ],
    [
      "eth/vlan(id=5,pcp=3)/vlan(id=0xfff)/ipv4",
      "020000000002" +
        "020000000001" +
        "8100" +
        "6005" +
        "8100" +
        "0fff" +
        "0800" +
        "4500001400000000" +
        "40fd65eb" +
        "0a0000010a000002",
    ],
    ["ipv4(flags=df,frag=1,tos=0x10,id=258,ttl=1,proto=6)", "45100014" + "01024001" + "010664cf" + "0a0000010a000002"],
    [
      "ipv6(src=::1,dst=fd00::1.2.3.4,tc=0xab,flow=0x12345)",
      "6ab12345" + "0000" + "fd40" + "00000000000000000000000000000001" + "fd000000000000000000000001020304",
    ],
    ['payload("hi\\n\\"")', "68690a22"],
    ["payload(c0ffee, length=5)", "c0ffee0000"],
    ["payload(c0ffee, length=2)", "c0ff"],
    ["payload", ""],
  ])("%s", (text, expected) => expect(hex(text)).toBe(expected));

  test("lengths, types and checksums are what the rest makes them", () => {
    const frame = buildPacket('eth/ipv4(src=192.0.2.1,dst=192.0.2.9)/udp(sport=1,dport=53)/payload("abc")');
    expect(frame.length).toBe(14 + 20 + 8 + 3);
    const ip = frame.subarray(14, 34);
    expect(internetChecksum(ip)).toBe(0);
    expect((ip[2]! << 8) | ip[3]!).toBe(31);
    expect(ip[9]).toBe(17);
    const pseudo = Uint8Array.of(...ip.subarray(12, 20), 0, 17, 0, 11);
    expect(internetChecksum(pseudo, frame.subarray(34))).toBe(0);
  });

  test("tcp and icmpv6 over IPv6 count the addresses", () => {
    for (const [text, protocol] of [
      ["tcp(flags=syn+ack,options=01010101)/payload(aa)", 6],
      ["icmpv6(id=7)/payload(aabb)", 58],
    ] as const) {
      const packet = buildPacket(`ipv6/${text}`);
      const length = packet.length - 40;
      const pseudo = Uint8Array.of(...packet.subarray(8, 40), 0, 0, 0, length, 0, 0, 0, protocol);
      expect([text, internetChecksum(pseudo, packet.subarray(40))]).toEqual([text, 0]);
    }
  });

  test("icmp has its sum over itself", () => {
    const packet = buildPacket('icmp(type=echo,id=1,seq=2)/payload("ping")');
    expect(internetChecksum(packet)).toBe(0);
  });

  test("udp that comes to a sum of 0 sends ffff", () => {
    // 0x0011 (protocol) + 8 + 8 (lengths) + 0xffde is 0xffff, whose complement is 0.
    expect(hex("ipv4(src=0.0.0.0,dst=0.0.0.0)/udp(sport=0xffde,dport=0)").slice(-4)).toBe("ffff");
    expect(hex("ipv4(src=0.0.0.0,dst=0.0.0.0)/udp(sport=0xffdd,dport=0)").slice(-4)).toBe("0001");
  });

  test("what is given stays, wrong or not", () => {
    expect(hex("ipv4(checksum=0x1234,length=9)").slice(20, 24)).toBe("1234");
    expect(hex("udp(checksum=0)").slice(12)).toBe("0000");
  });
});

describe("mistakes are named with their column", () => {
  test.each([
    ["", "column 1 of the packet: expected a layer's name, found the end"],
    ["eth//ipv4", "column 5 of the packet: expected a layer's name, found `/`"],
    [
      "eth/ip",
      "column 5 of the packet: there is no layer ip; there are eth, vlan, arp, ipv4, ipv6, udp, tcp, icmp, icmpv6, payload",
    ],
    ["eth/constructor", "column 5 of the packet: there is no layer constructor"],
    ["ipv4(tll=3)", "column 10 of the packet: ipv4 has no field tll; it has src, dst, ttl"],
    ["ipv4(__proto__=3)", "ipv4 has no field __proto__"],
    ["ipv4(ttl=256)", "column 10 of the packet: expected a number from 0 to 255, found 256"],
    ["ipv4(ttl=-1)", "expected a number from 0 to 255, found -1"],
    ["ipv4(src=10.0.0)", "column 10 of the packet: expected an IPv4 address such as 10.0.0.1, found 10.0.0"],
    ["ipv6(src=::g)", "expected an IPv6 address"],
    ["eth(src=1:2)", "expected an Ethernet address such as 02:00:00:00:00:01, found 1:2"],
    ["tcp(flags=syn+x)", "expected flags such as syn+ack of fin, syn"],
    ["tcp(options=010101)", "expected at most 40 bytes, a multiple of 4, found 3"],
    ["payload(abc)", "expected hex or text in double quotes, found abc: it has 3 digits, and two make a byte"],
    ['payload("abc)', "column 9 of the packet: this text has no closing quote"],
    ["ipv4(ttl=1,ttl=2)", "column 12 of the packet: ttl is there twice"],
    ["ipv4(ttl=1", "expected `,` or `)`, found the end"],
    ["ipv4)", "column 5 of the packet: expected `/` or the end, found `)`"],
    [Array.from({ length: 40 }, () => "vlan").join("/"), "40 layers; at most 32 are taken"],
  ])("%s", (text, message) => expect(() => buildPacket(text)).toThrow(message));
});

test("any text gives a packet or an error of its own, soon", () => {
  const part = fc.constantFrom(
    "eth",
    "ipv4",
    "udp",
    "tcp",
    "(",
    ")",
    "/",
    ",",
    "=",
    '"',
    "src",
    "10.0.0.1",
    "0x5",
    "payload",
    "length",
    " ",
    "\\",
    "é",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      try {
        buildPacket(parts.join(""));
      } catch (error) {
        expect(error).toMatchObject({ code: "BAD_PACKET" });
      }
    }),
  );
});
