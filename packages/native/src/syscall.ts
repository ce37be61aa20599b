import { constants } from "node:os";
import { addressOf } from "./address.js";
import { NativeError } from "./error.js";
import { ffi } from "./koffi.js";

/** Numbers of the system calls used here (Linux, arch/x86/entry/syscalls/syscall_64.tbl). */
export const SYSCALLS = { close: 3, mmap: 9, mprotect: 10, munmap: 11, bpf: 321 } as const;

/** A system call's argument: a number, or data whose address is passed. */
export type SyscallArgument = number | bigint | ArrayBufferView | null;

/**
 * Makes a system call with up to six arguments (those left out are 0). Returns its result, or the negative errno.
 * Data must be as large as the kernel takes it to be; nothing checks that.
 * @throws {NativeError} `NOT_AVAILABLE`; `BAD_ARGUMENT` for more than six arguments.
 */
export function syscall(number: number, ...args: readonly SyscallArgument[]): number {
  const { koffi, syscall: call } = ffi();
  if (args.length > 6)
    throw new NativeError("BAD_ARGUMENT", `a system call has at most 6 arguments, not ${args.length}`);
  const [a, b, c, d, e, f] = args.map(toRegister);
  const result = call(number, a ?? 0, b ?? 0, c ?? 0, d ?? 0, e ?? 0, f ?? 0);
  return result === -1 ? -koffi.errno() : result;
}

function toRegister(argument: SyscallArgument): number | bigint {
  if (argument === null) return 0;
  if (typeof argument === "object") return addressOf(argument);
  return argument < 0 ? BigInt.asUintN(64, BigInt(argument)) : argument;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(constants.errno).map(([name, value]): [number, string] => [value, name]),
  // Aliases of one number: the name the kernel's own headers define first.
  [constants.errno.EAGAIN, "EAGAIN"],
  // Linux's own, which Node does not list (include/linux/errno.h).
  [524, "ENOTSUPP"],
]);

/** The name of an errno, positive or negative: `EINVAL`; `E1234` where it has none. */
export function errnoName(errno: number): string {
  return NAMES.get(Math.abs(errno)) ?? `E${Math.abs(errno)}`;
}
