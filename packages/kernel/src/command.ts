import { errnoName, SYSCALLS, syscall } from "@bpfkit/native";
import type { Attributes } from "./attributes.js";
import { KernelError } from "./error.js";
import { permissionReason } from "./permission.js";

/** Commands of `bpf(2)` used here (`enum bpf_cmd`). Nothing that attaches or pins is among them. */
export const COMMANDS = {
  mapCreate: 0,
  mapLookup: 1,
  mapUpdate: 2,
  mapDelete: 3,
  mapNextKey: 4,
  progLoad: 5,
  testRun: 10,
  mapById: 14,
  info: 15,
  btfLoad: 18,
  mapLookupAndDelete: 21,
  mapFreeze: 22,
} as const;

/** What the kernel is reading or writing; a reference the collector cannot miss, for as long as the call lasts. */
let inUse: Attributes | undefined;

/** Makes a `bpf(2)` call; returns its result or the negative errno. */
export function tryCommand(command: number, attributes: Attributes): number {
  inUse = attributes;
  const result = syscall(SYSCALLS.bpf, command, inUse.bytes, inUse.bytes.byteLength);
  inUse = undefined;
  return result;
}

/** Makes a `bpf(2)` call. @throws {KernelError} with the errno's name, saying what was tried. */
export function command(number: number, attributes: Attributes, what: string): number {
  const result = tryCommand(number, attributes);
  if (result < 0) throw refusal(result, what);
  return result;
}

/** The error for a negative errno. */
export function refusal(result: number, what: string): KernelError {
  const name = errnoName(result);
  if (name === "EPERM") {
    const reason = permissionReason();
    if (reason !== undefined) return new KernelError("NOT_PERMITTED", reason);
  }
  return new KernelError(name as `E${string}`, `${what}: the kernel answered ${name}`);
}

/** Closes a descriptor. */
export function close(descriptor: number): void {
  syscall(SYSCALLS.close, descriptor);
}
