import { BpfkitError } from "@bpfkit/core";

/**
 * What `@bpfkit/kernel` throws. The code is the errno's name (`EINVAL`, `ENOENT`, `E2BIG`, …) where the kernel refused
 * something, and otherwise:
 * - `NOT_AVAILABLE`: no Linux on x86-64, no FFI, or something the kernel or this package has no way to do; the message says which.
 * - `NOT_PERMITTED`: this process may not use `bpf(2)`; the message names the capability and the setting.
 * - `REJECTED`: the kernel's verifier rejected a program; the message ends in the kernel's own words.
 * - `UNKNOWN_MAP`: a program refers to a map the set does not have, or that is no map of the kernel.
 * - `CLOSED`: a map or program was used after it was closed.
 */
export class KernelError extends BpfkitError<
  `E${string}` | "NOT_AVAILABLE" | "NOT_PERMITTED" | "REJECTED" | "UNKNOWN_MAP" | "CLOSED"
> {}
