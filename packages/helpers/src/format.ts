import { ERRNO } from "@bpfkit/abi";
import type { GuestMemory } from "@bpfkit/core";
import { canRead, fromLatin1, latin1, readString } from "./text.js";

/** Bytes there are for arguments on their way into the text (`MAX_BPRINTF_BIN_ARGS`). */
const ARGUMENT_BYTES = 512;
/** Columns a width may ask for (`FIELD_WIDTH_MAX`). */
const WIDTH_MAX = 2 ** 23 - 1;

/** What must follow some conversions: the end, white space or punctuation, by the kernel's table of Latin-1. */
const SEPARATED = "(?=[\\t-\\r -/:-@[-`{-~\\xa0-\\xbf\\xd7\\xf7]|$)";
/** Letters and digits behind `%p…` say how to print and are no text. */
const REST = "[0-9A-Za-z\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\xff]*";
const SPECIFIER = new RegExp(
  [
    "^%(?<flags>[0 +-]*)(?<width>[1-9][0-9]*)?(?:",
    `p(?<space>[ku])s${SEPARATED}|(?<string>s)${SEPARATED}|`,
    `p(?<ip>[iI][46])${REST}|p(?<symbol>[sSB])${REST}|p(?<pointer>[Kx])${REST}|(?<plain>p)${SEPARATED}|`,
    "(?<char>c)|(?<long>l{0,2})(?<number>[diuxX]))",
  ].join(""),
);

/** What `format` made: at most `limit` bytes of the text, and how long all of it is. Or a negative errno. */
export type Formatted = { readonly text: Uint8Array; readonly length: number } | { readonly errno: number };

/** One conversion: what the pattern says and the argument. */
interface Conversion {
  readonly groups: Readonly<Record<string, string | undefined>>;
  readonly value: bigint;
}

/**
 * Formats as Linux's `bpf_bprintf_prepare` and `bstr_printf` do (kernel/bpf/helpers.c, lib/vsprintf.c); text is bytes, and so
 * is the pattern. Addresses are printed as they are, where Linux hashes those of `%p` and `%pK`.
 */
export function format(memory: GuestMemory, pattern: Uint8Array, values: readonly bigint[], limit: number): Formatted {
  const source = latin1(pattern);
  let [out, length, used, next] = ["", 0, 0, 0];
  const put = (text: string): void => {
    length += text.length;
    out += text.slice(0, limit - out.length);
  };
  for (let at = 0; at < source.length; ) {
    if (source[at] !== "%" || source[at + 1] === "%") {
      if (isControl(source.charCodeAt(at))) return { errno: -ERRNO.EINVAL };
      put(source[at]!);
      at += source[at] === "%" ? 2 : 1;
      continue;
    }
    const specifier = SPECIFIER.exec(source.slice(at));
    if (specifier === null || next === values.length) return { errno: -ERRNO.EINVAL };
    const conversion = { groups: specifier.groups!, value: values[next++]! };
    const { text, bytes } = convert(memory, conversion, ARGUMENT_BYTES - used);
    used = bytes.aligned ? Math.ceil(used / 4) * 4 + bytes.size : used + bytes.size;
    if (used > ARGUMENT_BYTES) return { errno: -ERRNO.ENOSPC };
    put(text);
    at += specifier[0].length;
  }
  return { text: fromLatin1(out), length };
}

/** ASCII that is neither printed nor white space; Linux refuses patterns with it. */
const isControl = (code: number): boolean => code < 9 || (code > 13 && code < 32) || code === 127;

/** A conversion's text, and what its argument takes of `ARGUMENT_BYTES`. */
interface Converted {
  readonly text: string;
  readonly bytes: { readonly size: number; readonly aligned: boolean };
}

function convert(memory: GuestMemory, { groups, value }: Conversion, room: number): Converted {
  const { flags = "", width, space, string, ip, symbol, char } = groups;
  const text = string === undefined && space !== "k" ? "" : latin1(readString(memory, Number(value), room - 1));
  if (string !== undefined) return { ...asText(text), text: padded(text, flags, width) };
  // These Linux prints before it looks at the width. Strings of user space are empty: a program here has none.
  if (space !== undefined) return asText(text);
  if (ip !== undefined) return asText(ipAddress(memory, Number(value), ip));
  if (symbol === "B") return asText(hex(value));
  if (symbol !== undefined) return { text: padded(hex(value), flags, width), bytes: { size: 8, aligned: true } };
  if (char !== undefined) {
    const one = padded(String.fromCharCode(Number(value & 0xffn)), flags, width);
    return { text: one, bytes: { size: 1, aligned: false } };
  }
  if (groups["number"] === undefined) return { text: pointer(groups, value), bytes: { size: 8, aligned: true } };
  return { text: number(groups, value), bytes: { size: groups["long"] === "" ? 4 : 8, aligned: true } };
}

/** An argument that is text itself. */
const asText = (text: string): Converted => ({ text, bytes: { size: text.length + 1, aligned: false } });

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function padded(text: string, flags: string, width: string | undefined): string {
  const columns = Math.min(Number(width ?? 0), WIDTH_MAX);
  return flags.includes("-") ? text.padEnd(columns) : text.padStart(columns);
}

function number({ flags = "", width, long, number: kind }: Conversion["groups"], value: bigint): string {
  const bits = long === "" ? 32 : 64;
  if (kind === "x") return digits("", BigInt.asUintN(bits, value).toString(16), flags, width);
  if (kind === "X") return digits("", BigInt.asUintN(bits, value).toString(16).toUpperCase(), flags, width);
  if (kind === "u") return digits("", BigInt.asUintN(bits, value).toString(), flags, width);
  const signed = BigInt.asIntN(bits, value);
  const plus = flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  return digits(signed < 0n ? "-" : plus, (signed < 0n ? -signed : signed).toString(), flags, width);
}

/** An address has 16 digits, but where a width says otherwise. */
function pointer({ flags = "", width }: Conversion["groups"], value: bigint): string {
  return digits("", value.toString(16), width === undefined ? `${flags}0` : flags, width ?? "16");
}

/** Sign and digits, filled up with zeros between them or with blanks around. */
function digits(sign: string, text: string, flags: string, width: string | undefined): string {
  const columns = Math.min(Number(width ?? 0), WIDTH_MAX);
  if (!flags.includes("0") || flags.includes("-")) return padded(sign + text, flags, width);
  return sign + text.padStart(columns - sign.length, "0");
}

/** `i4`: 010.000.000.001, `I4`: 10.0.0.1, `i6` and `I6`: all digits, without and with colons. What cannot be read is zero. */
function ipAddress(memory: GuestMemory, address: number, kind: string): string {
  const bytes = new Uint8Array(kind[1] === "4" ? 4 : 16);
  if (canRead(memory, address, bytes.length)) bytes.set(memory.views.u8.subarray(address, address + bytes.length));
  if (kind === "I4") return bytes.join(".");
  if (kind === "i4") return Array.from(bytes, (byte) => `${byte}`.padStart(3, "0")).join(".");
  const all = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return kind === "i6" ? all : all.match(/..../g)!.join(":");
}
