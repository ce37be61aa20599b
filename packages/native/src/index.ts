/** The process underneath: system calls, executable memory, native calls, callbacks. Node on x86-64 Linux only. */

export { addressOf } from "./address.js";
export { nativeCallback } from "./callback.js";
export { NativeError } from "./error.js";
export { executableMemory } from "./executable.js";
export { guardRegions } from "./guard.js";
export { nativeAvailability } from "./koffi.js";
export type { SyscallArgument } from "./syscall.js";
export { errnoName, SYSCALLS, syscall } from "./syscall.js";
