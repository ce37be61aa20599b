import { ERRNO } from "@bpfkit/abi";
import type { HelperCall } from "@bpfkit/core";
import { type ArgumentRegister, readable, u32, u64, writable } from "./arguments.js";
import { HelperError } from "./error.js";
import { format } from "./format.js";

/** Values `bpf_trace_vprintk` and `bpf_snprintf` take at most (`MAX_BPRINTF_VARARGS`). */
const VALUES_MAX = 12;
/** Bytes of a line, its NUL included (`MAX_BPRINTF_BUF`). */
const LINE_BYTES = 1024;

/** `bpf_trace_printk(fmt, fmt_size, r3, r4, r5)`: bytes of the line, or a negative errno. */
export function tracePrintk(call: HelperCall): number {
  return print(call, [u64(call, 3), u64(call, 4), u64(call, 5)]);
}

/** `bpf_trace_vprintk(fmt, fmt_size, data, data_len)`: bytes of the line, or a negative errno. */
export function traceVprintk(call: HelperCall): number {
  const given = values(call, 3, 4);
  return given === undefined ? -ERRNO.EINVAL : print(call, given);
}

function print(call: HelperCall, given: readonly bigint[]): number {
  const size = u32(call, 2);
  const at = readable(call, 1, size);
  const pattern = call.memory.views.u8.subarray(at, at + size);
  const end = pattern.indexOf(0);
  if (end < 0) return -ERRNO.EINVAL;
  const formatted = format(call.memory, pattern.subarray(0, end), given, LINE_BYTES - 1);
  if ("errno" in formatted) return formatted.errno;
  call.effects.trace(line(formatted.text));
  return formatted.length;
}

/** What is to be seen of a line: up to a NUL that was printed, without the newline at its end. */
function line(text: Uint8Array): string {
  const nul = text.indexOf(0);
  return new TextDecoder().decode(nul < 0 ? text : text.subarray(0, nul)).replace(/\n$/, "");
}

/** `bpf_snprintf(str, str_size, fmt, data, data_len)`: bytes of the whole text with its NUL, or a negative errno. */
export function snprintf(call: HelperCall): number {
  const size = u32(call, 2);
  const to = writable(call, 1, size);
  const given = values(call, 4, 5);
  if (given === undefined) return -ERRNO.EINVAL;
  const formatted = format(call.memory, constantString(call, 3), given, Math.max(size - 1, 0));
  if ("errno" in formatted) return formatted.errno;
  const { u8 } = call.memory.views;
  u8.set(formatted.text, to);
  if (size > 0) u8[to + formatted.text.length] = 0;
  return formatted.length + 1;
}

/** A string that ends with NUL, however long. @throws {MemoryFault} where it runs into what cannot be read. */
function constantString(call: HelperCall, register: ArgumentRegister): Uint8Array {
  const at = readable(call, register, 1);
  const { u8 } = call.memory.views;
  const end = u8.indexOf(0, at);
  if (end < 0) throw new HelperError("BAD_ARGUMENT", `the string in r${register} has no end`);
  readable(call, register, end + 1 - at);
  return u8.subarray(at, end);
}

/** Values of 8 bytes each; undefined for a size that Linux refuses. */
function values(call: HelperCall, data: ArgumentRegister, length: ArgumentRegister): bigint[] | undefined {
  const bytes = u32(call, length);
  if (bytes % 8 !== 0 || bytes > VALUES_MAX * 8) return undefined;
  if (bytes === 0) return [];
  const at = readable(call, data, bytes);
  return Array.from({ length: bytes / 8 }, (_, index) => call.memory.views.data.getBigUint64(at + 8 * index, true));
}
