import { BpfkitError } from "@bpfkit/core";

export type BenchErrorCode =
  /** Contenders of one workload came to different results. */
  | "DIFFERENT_RESULTS"
  /** A workload ended in a fault. */
  | "FAULT"
  /** A subject does not run a program, as our verifier or the kernel rejects it. */
  | "REFUSED"
  /** A file of results that is none. */
  | "BAD_RESULTS"
  /** A peer that is not `name=command`, or whose name is taken. */
  | "BAD_PEER"
  /** An outside VM did not do as asked. */
  | "PEER_FAILED"
  /** clang, or what it built, did not do as asked. */
  | "NATIVE_FAILED";

/** What the runner throws. */
export class BenchError extends BpfkitError<BenchErrorCode> {}
