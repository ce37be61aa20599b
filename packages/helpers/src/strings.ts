import { ERRNO } from "@bpfkit/abi";
import type { HelperCall } from "@bpfkit/core";
import { hasUnknownFlags, readable, u32, writable } from "./arguments.js";
import { latin1 } from "./text.js";

const BASE_MASK = 0x1f;
const U64_MAX = 2n ** 64n - 1n;
/** Characters of a number Linux looks at. */
const DIGITS_MAX = 63;

/** A number that was read: its magnitude, and how many bytes it took. Or a negative errno. */
type Parsed = { readonly magnitude: bigint; readonly negative: boolean; readonly consumed: number } | number;

/** `bpf_strtol(buf, buf_len, flags, res)`: bytes taken, or a negative errno; `res` is 0 then. */
export function strtol(call: HelperCall): number {
  return convert(call, ({ magnitude, negative }) => {
    const value = negative ? -magnitude : magnitude;
    return BigInt.asIntN(64, value) === value ? value : -ERRNO.ERANGE;
  });
}

/** `bpf_strtoul(buf, buf_len, flags, res)`: bytes taken, or a negative errno; `res` is 0 then. */
export function strtoul(call: HelperCall): number {
  return convert(call, ({ magnitude, negative }) => (negative ? -ERRNO.EINVAL : magnitude));
}

/** Reads the number r1 and r2 are, and writes what `result` makes of it to r4. */
function convert(call: HelperCall, result: (parsed: Exclude<Parsed, number>) => bigint | number): number {
  const size = u32(call, 2);
  const at = readable(call, 1, size);
  const to = writable(call, 4, 8);
  const { data, u8 } = call.memory.views;
  const text = latin1(u8.subarray(at, at + size));
  data.setBigUint64(to, 0n, true);
  const parsed = hasUnknownFlags(call, 3, BASE_MASK) ? -ERRNO.EINVAL : parse(text, u32(call, 3) & BASE_MASK);
  if (typeof parsed === "number") return parsed;
  const value = result(parsed);
  if (typeof value === "number") return value;
  data.setBigInt64(to, BigInt.asIntN(64, value), true);
  return parsed.consumed;
}

/** Reads as Linux's `__bpf_strtoull` does: blanks, a minus, a base's prefix, digits. Base 0 goes by the prefix. */
function parse(text: string, base: number): Parsed {
  if (![0, 8, 10, 16].includes(base)) return -ERRNO.EINVAL;
  const [lead, minus] = /^[\t-\r \xa0]*(-?)/.exec(text) as unknown as [string, string];
  const rest = text.slice(lead.length, lead.length + DIGITS_MAX);
  const prefixed = base === 16 ? /^0x/i.test(rest) : base === 0 && /^0x[0-9a-f]/i.test(rest);
  const radix = base !== 0 ? base : prefixed ? 16 : rest.startsWith("0") ? 8 : 10;
  const prefix = prefixed ? 2 : 0;
  const digits = (DIGITS[radix]!.exec(rest.slice(prefix)) as RegExpExecArray)[0];
  if (digits === "") return -ERRNO.EINVAL;
  const magnitude = BigInt((PREFIXES[radix] ?? "") + digits);
  if (magnitude > U64_MAX) return -ERRNO.ERANGE;
  return { magnitude, negative: minus === "-", consumed: lead.length + prefix + digits.length };
}

const DIGITS: Readonly<Record<number, RegExp>> = { 8: /^[0-7]*/, 10: /^[0-9]*/, 16: /^[0-9a-f]*/i };
/** What `BigInt` knows a base by. */
const PREFIXES: Readonly<Record<number, string>> = { 8: "0o", 16: "0x" };

/** `bpf_strncmp(s1, s1_sz, s2)`: -1, 0 or 1. */
export function strncmp(call: HelperCall): number {
  const size = u32(call, 2);
  const one = readable(call, 1, size);
  const { u8 } = call.memory.views;
  for (let index = 0; index < size; index++) {
    const byte = u8[one + index]!;
    const other = u8[readable(call, 3, index + 1) + index]!;
    if (byte !== other) return byte < other ? -1 : 1;
    if (byte === 0) break;
  }
  return 0;
}
