import { BpfkitError } from "@bpfkit/core";

/** `UNKNOWN_PROFILE`: no rules for that kernel version or architecture. `UNKNOWN_NAME`: no such map type or program type. */
export class AbiError extends BpfkitError<"UNKNOWN_PROFILE" | "UNKNOWN_NAME"> {}
