import { BpfkitError } from "@bpfkit/core";

/**
 * What the kernel answers, by the errno's name; `TOO_MANY_RUNS` where a model runs on past its bound; `NOT_SHARED` where other
 * threads could not follow.
 */
export type TailcallErrorCode = "EINVAL" | "E2BIG" | "ENOENT" | "EPERM" | "TOO_MANY_RUNS" | "NOT_SHARED";

/** Thrown by program arrays and the count model. */
export class TailcallError extends BpfkitError<TailcallErrorCode> {}
