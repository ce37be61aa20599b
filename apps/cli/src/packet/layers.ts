import { internetChecksum } from "./checksum.js";
import { packetError, type Word } from "./text.js";
import { bigEndian, bytes, ipv4, ipv6, mac, number, type ReadValue, readNumber } from "./values.js";

/** What a layer's bytes depend on beside its own fields. */
export interface Surroundings {
  /** Everything inside this layer. */
  readonly inner: Uint8Array;
  /** The layer right inside. */
  readonly next: string | undefined;
  /** The IP header's part of a checksum further in: addresses (RFC 9293 §3.1, RFC 8200 §8.1). */
  readonly pseudoHeader: ((protocol: number, length: number) => Uint8Array) | undefined;
}

/** The values of a layer's fields as bytes, and those that were given. */
export interface Values {
  readonly bytes: Readonly<Record<string, Uint8Array>>;
  given(field: string): boolean;
  value(field: string): number;
}

/** A kind of layer: its fields with how they are read and what they are where left out, and its bytes. */
export interface Layer {
  readonly fields: Readonly<Record<string, readonly [read: ReadValue, unset: string]>>;
  encode(values: Values, around: Surroundings): Uint8Array;
  /** The pseudo-header of the checksums inside, where this is an IP header. */
  pseudoHeader?(values: Values): (protocol: number, length: number) => Uint8Array;
}

/** What Ethernet and VLAN headers call the layer inside (IEEE 802 numbers). */
const ETHER_TYPES: Readonly<Record<string, number>> = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd };
/** What IP headers call the layer inside (IANA protocol numbers). */
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, ipv4: 4, tcp: 6, udp: 17, ipv6: 41, icmpv6: 58 };
/** TCP's flags, the lowest bit first (RFC 9293 §3.1). */
const TCP_FLAGS = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];
/** Bytes of payload at most, far above any real packet. */
const MAX_BYTES = 1 << 20;

/** What stands for a layer inside that has no number: experiments (IEEE 802, RFC 3692). */
const EXPERIMENTAL_ETHER_TYPE = 0x88b5;
const EXPERIMENTAL_PROTOCOL = 253;

/** Bytes one after the other; a number is one byte. */
function join(...parts: readonly (Uint8Array | number)[]): Uint8Array {
  const all = new Uint8Array(
    parts.reduce<number>((sum, part) => sum + (typeof part === "number" ? 1 : part.length), 0),
  );
  let at = 0;
  for (const part of parts) {
    if (typeof part === "number") all[at++] = part;
    else {
      all.set(part, at);
      at += part.length;
    }
  }
  return all;
}

const tcpFlags: ReadValue = (word) => {
  if (/^(0x[0-9a-fA-F]+|\d+)$/.test(word.text)) return bigEndian(readNumber(word, 0xff), 1);
  const parts = word.text.toLowerCase().split("+");
  const bits = parts.map((part) => TCP_FLAGS.indexOf(part));
  if (bits.includes(-1)) {
    throw packetError(`expected flags such as syn+ack of ${TCP_FLAGS.join(", ")}, found ${word.text}`, word.column);
  }
  return Uint8Array.of(bits.reduce((sum, bit) => sum | (1 << bit), 0));
};

const words: (read: ReadValue, most: number) => ReadValue = (read, most) => (word) => {
  const value = read(word);
  if (value.length <= most && value.length % 4 === 0) return value;
  throw packetError(`expected at most ${most} bytes, a multiple of 4, found ${value.length}`, word.column);
};

const upTo =
  (most: number, names: Readonly<Record<string, number>> = {}): ReadValue =>
  (word: Word) =>
    bigEndian(readNumber(word, most, names), 4);

/** A checksum field: the one given, else the right one. */
function checksum(values: Values, compute: () => number): Uint8Array {
  return values.given("checksum") ? values.bytes["checksum"]! : bigEndian(compute(), 2);
}

/** The checksum of a header and all inside it with the addresses around it; `zero` where it comes to 0, 0 where no IP is around. */
function overIp(around: Surroundings, protocol: number, header: Uint8Array, zero = 0): number {
  const { inner, pseudoHeader } = around;
  if (pseudoHeader === undefined) return 0;
  return internetChecksum(pseudoHeader(protocol, header.length + inner.length), join(header, inner)) || zero;
}

const etherType = (values: Values, { next }: Surroundings): Uint8Array =>
  values.given("type") ? values.bytes["type"]! : bigEndian(ETHER_TYPES[next ?? ""] ?? EXPERIMENTAL_ETHER_TYPE, 2);

const protocolOf = (values: Values, field: string, { next }: Surroundings): number =>
  values.given(field) ? values.value(field) : (PROTOCOLS[next ?? ""] ?? EXPERIMENTAL_PROTOCOL);

/** Every kind of layer by its name. Lengths, types and checksums left out are what the rest of the packet makes them. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  eth: {
    fields: { dst: [mac, "02:00:00:00:00:02"], src: [mac, "02:00:00:00:00:01"], type: [number(2, ETHER_TYPES), "0"] },
    encode: (values, around) => join(values.bytes["dst"]!, values.bytes["src"]!, etherType(values, around)),
  },
  vlan: {
    fields: {
      id: [upTo(0xfff), "0"],
      pcp: [upTo(7), "0"],
      dei: [upTo(1), "0"],
      type: [number(2, ETHER_TYPES), "0"],
    },
    encode: (values, around) => {
      const tag = (values.value("pcp") << 13) | (values.value("dei") << 12) | values.value("id");
      return join(bigEndian(tag, 2), etherType(values, around));
    },
  },
  arp: {
    fields: {
      op: [number(2, { request: 1, reply: 2 }), "request"],
      sha: [mac, "02:00:00:00:00:01"],
      spa: [ipv4, "10.0.0.1"],
      tha: [mac, "00:00:00:00:00:00"],
      tpa: [ipv4, "10.0.0.2"],
    },
    // Ethernet (1), IPv4, addresses of 6 and 4 bytes (RFC 826).
    encode: ({ bytes: { op, sha, spa, tha, tpa } }) =>
      join(Uint8Array.of(0, 1, 8, 0, 6, 4), op!, sha!, spa!, tha!, tpa!),
  },
  ipv4: {
    fields: {
      src: [ipv4, "10.0.0.1"],
      dst: [ipv4, "10.0.0.2"],
      ttl: [number(1), "64"],
      tos: [number(1), "0"],
      id: [number(2), "0"],
      flags: [upTo(7, { df: 2, mf: 1 }), "0"],
      frag: [upTo(0x1fff), "0"],
      proto: [number(1, PROTOCOLS), "0"],
      length: [number(2), "0"],
      options: [words(bytes, 40), ""],
      checksum: [number(2), "0"],
    },
    encode: (values, around) => {
      const { tos, id, ttl, src, dst, options, length } = values.bytes;
      const size = 20 + options!.length;
      const total = values.given("length") ? length! : bigEndian(size + around.inner.length, 2);
      const fragment = bigEndian((values.value("flags") << 13) | values.value("frag"), 2);
      const head = [0x40 | (size / 4), tos!, total, id!, fragment, ttl!, protocolOf(values, "proto", around)] as const;
      const sum = checksum(values, () => internetChecksum(join(...head, 0, 0, src!, dst!, options!)));
      return join(...head, sum, src!, dst!, options!);
    },
    pseudoHeader:
      ({ bytes: { src, dst } }) =>
      (protocol, length) =>
        join(src!, dst!, 0, protocol, bigEndian(length, 2)),
  },
  ipv6: {
    fields: {
      src: [ipv6, "fd00::1"],
      dst: [ipv6, "fd00::2"],
      hop: [number(1), "64"],
      tc: [number(1), "0"],
      flow: [upTo(0xfffff), "0"],
      next: [number(1, PROTOCOLS), "0"],
      length: [number(2), "0"],
    },
    encode: (values, around) => {
      const { hop, src, dst, length } = values.bytes;
      const first = bigEndian(6 * 2 ** 28 + values.value("tc") * 2 ** 20 + values.value("flow"), 4);
      const payload = values.given("length") ? length! : bigEndian(around.inner.length, 2);
      return join(first, payload, protocolOf(values, "next", around), hop!, src!, dst!);
    },
    pseudoHeader:
      ({ bytes: { src, dst } }) =>
      (protocol, length) =>
        join(src!, dst!, bigEndian(length, 4), 0, 0, 0, protocol),
  },
  udp: {
    fields: {
      sport: [number(2), "1024"],
      dport: [number(2), "9"],
      length: [number(2), "0"],
      checksum: [number(2), "0"],
    },
    encode: (values, around) => {
      const { sport, dport, length } = values.bytes;
      const head = [sport!, dport!, values.given("length") ? length! : bigEndian(8 + around.inner.length, 2)] as const;
      // A sum of 0 is sent as 0xffff: 0 means that there is none (RFC 768).
      return join(
        ...head,
        checksum(values, () => overIp(around, 17, join(...head, 0, 0), 0xffff)),
      );
    },
  },
  tcp: {
    fields: {
      sport: [number(2), "1024"],
      dport: [number(2), "80"],
      seq: [number(4), "0"],
      ack: [number(4), "0"],
      flags: [tcpFlags, "syn"],
      window: [number(2), "65535"],
      urgent: [number(2), "0"],
      options: [words(bytes, 40), ""],
      checksum: [number(2), "0"],
    },
    encode: (values, around) => {
      const { sport, dport, seq, ack, flags, window, urgent, options } = values.bytes;
      const head = [sport!, dport!, seq!, ack!, ((20 + options!.length) / 4) << 4, flags!, window!] as const;
      const sum = checksum(values, () => overIp(around, 6, join(...head, 0, 0, urgent!, options!)));
      return join(...head, sum, urgent!, options!);
    },
  },
  icmp: icmpLayer({ reply: 0, unreachable: 3, echo: 8, "time-exceeded": 11 }, (around, header) =>
    internetChecksum(join(header, around.inner)),
  ),
  icmpv6: icmpLayer(
    { unreachable: 1, "too-big": 2, "time-exceeded": 3, echo: 128, reply: 129, solicitation: 135, advertisement: 136 },
    (around, header) => overIp(around, 58, header),
  ),
  payload: {
    fields: { data: [bytes, ""], length: [upTo(MAX_BYTES), "0"] },
    encode: (values) => {
      const data = values.bytes["data"]!;
      if (!values.given("length")) return data;
      const whole = new Uint8Array(values.value("length"));
      whole.set(data.subarray(0, whole.length));
      return whole;
    },
  },
};

function icmpLayer(
  types: Readonly<Record<string, number>>,
  sum: (around: Surroundings, header: Uint8Array) => number,
): Layer {
  return {
    fields: {
      type: [number(1, types), "echo"],
      code: [number(1), "0"],
      id: [number(2), "0"],
      seq: [number(2), "0"],
      checksum: [number(2), "0"],
    },
    encode: (values, around) => {
      const { type, code, id, seq } = values.bytes;
      const header = join(type!, code!, 0, 0, id!, seq!);
      return join(
        type!,
        code!,
        checksum(values, () => sum(around, header)),
        id!,
        seq!,
      );
    },
  };
}
