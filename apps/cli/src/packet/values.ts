import { isIPv4, isIPv6 } from "node:net";
import { fromHex } from "../hex.js";
import { packetError, type Word } from "./text.js";

/** Reads one field's value. @throws {PacketError} saying what would be right. */
export type ReadValue = (word: Word) => Uint8Array;

/** An unsigned number of whole bytes, big endian: decimal, 0x, or one of `names`. */
export function number(bytes: number, names: Readonly<Record<string, number>> = {}): ReadValue {
  return (word) => bigEndian(readNumber(word, 2 ** (8 * bytes) - 1, names), bytes);
}

/** A number's value. */
export function readNumber(word: Word, most: number, names: Readonly<Record<string, number>> = {}): number {
  if (Object.hasOwn(names, word.text)) return names[word.text]!;
  const value = /^(0x[0-9a-fA-F]+|\d+)$/.test(word.text) ? Number(word.text) : Number.NaN;
  if (value <= most) return value;
  const named = Object.keys(names).join(", ");
  throw packetError(`expected a number from 0 to ${most}${named && ` or ${named}`}, found ${word.text}`, word.column);
}

/** The bytes of a number, the highest first. */
export function bigEndian(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => Math.floor(value / 2 ** (8 * (bytes - 1 - index))) & 0xff);
}

/** `02:00:00:00:00:01`. */
export const mac: ReadValue = (word) => {
  if (/^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(word.text)) {
    return Uint8Array.from(word.text.split(":"), (part) => Number.parseInt(part, 16));
  }
  throw packetError(`expected an Ethernet address such as 02:00:00:00:00:01, found ${word.text}`, word.column);
};

/** `10.0.0.1`. */
export const ipv4: ReadValue = (word) => {
  if (isIPv4(word.text)) return Uint8Array.from(word.text.split("."), Number);
  throw packetError(`expected an IPv4 address such as 10.0.0.1, found ${word.text}`, word.column);
};

/** `fd00::1`. */
export const ipv6: ReadValue = (word) => {
  if (!isIPv6(word.text) || word.text.includes("%")) {
    throw packetError(`expected an IPv6 address such as fd00::1, found ${word.text}`, word.column);
  }
  const [head = [], tail = []] = word.text.split("::").map(groups);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Uint8Array.from([...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 0xff]));
};

/** The 16-bit groups of a part of an IPv6 address; an IPv4 address at its end is two. */
function groups(part: string): number[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** Bytes as hex, or as text in quotes (UTF-8). */
export const bytes: ReadValue = (word) => {
  if (word.quoted) return new TextEncoder().encode(word.text);
  const found = fromHex(word.text);
  if (typeof found !== "string") return found;
  throw packetError(`expected hex or text in double quotes, found ${word.text}: ${found}`, word.column);
};
