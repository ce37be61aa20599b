import type { GuestMapOperations, HelperCall, MapStorage } from "@bpfkit/core";
import { HelperError } from "./error.js";

/** A register, r1 to r5. */
export type ArgumentRegister = 1 | 2 | 3 | 4 | 5;

/** The low 32 bits of an argument, unsigned. */
export function u32(call: HelperCall, register: ArgumentRegister): number {
  return call.args[2 * register - 2]! >>> 0;
}

/** The low 32 bits of an argument, signed. */
export function s32(call: HelperCall, register: ArgumentRegister): number {
  return call.args[2 * register - 2]!;
}

/** All 64 bits of an argument, unsigned. */
export function u64(call: HelperCall, register: ArgumentRegister): bigint {
  return (BigInt(call.args[2 * register - 1]! >>> 0) << 32n) | BigInt(u32(call, register));
}

/** All 64 bits of an argument, unsigned; inexact past 2^53, which does for comparing flags and for addresses. */
export function number64(call: HelperCall, register: ArgumentRegister): number {
  return (call.args[2 * register - 1]! >>> 0) * 2 ** 32 + u32(call, register);
}

/** Whether an argument has a bit set that is not in `known` (32 bits), as flags must not. */
export function hasUnknownFlags(call: HelperCall, register: ArgumentRegister, known: number): boolean {
  return call.args[2 * register - 1] !== 0 || (call.args[2 * register - 2]! & ~known) !== 0;
}

/** An address of `size` bytes that the program may read. @throws {MemoryFault}. */
export function readable(call: HelperCall, register: ArgumentRegister, size: number): number {
  const at = number64(call, register);
  call.memory.checkRead(at, size);
  return at;
}

/** An address of `size` bytes that the program may write. @throws {MemoryFault}. */
export function writable(call: HelperCall, register: ArgumentRegister, size: number): number {
  const at = number64(call, register);
  call.memory.checkWrite(at, size);
  return at;
}

/** The map an argument points to. @throws what the engine throws where there is none. */
export function map(call: HelperCall, register: ArgumentRegister): MapStorage {
  return call.map(number64(call, register));
}

/** What programs can do with a map. @throws {HelperError} `BAD_MAP` where they can do nothing. */
export function guestOperations({ spec, guest }: MapStorage): GuestMapOperations {
  if (guest !== undefined) return guest;
  throw new HelperError("BAD_MAP", `programs cannot use map ${spec.name} of type ${spec.type} this way`);
}
