import { BpfkitError } from "@bpfkit/core";

/**
 * What `@bpfkit/native` throws.
 * - `NOT_AVAILABLE`: not Linux, not x86-64, no `koffi`, or the system refuses executable pages.
 * - `SYSCALL_FAILED`: a system call the package makes on its own account failed; the message names the errno.
 * - `BAD_ARGUMENT`: a size, offset or argument list that cannot be right.
 * - `BAD_STATE`: pages sealed twice, called before they were sealed, or used after they were freed.
 */
export class NativeError extends BpfkitError<"NOT_AVAILABLE" | "SYSCALL_FAILED" | "BAD_ARGUMENT" | "BAD_STATE"> {}
