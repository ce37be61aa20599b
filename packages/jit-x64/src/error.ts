import { BpfkitError } from "@bpfkit/core";

/** What `JitError.code` may be. */
export type JitErrorCode =
  /** A slot holds no instruction, or a field of it is wrong; the cause says which. */
  | "BAD_INSTRUCTION"
  /** A jump, call or function reference leads to where no instruction begins. */
  | "BAD_TARGET"
  /** A program names a map the link set does not hold, or one whose value has no address. */
  | "BAD_MAP"
  /** Functions that overlap would make more code than is sensible. */
  | "TOO_LARGE"
  /** The linked set was disposed of. */
  | "DISPOSED"
  /** No program of the set has this id. */
  | "NO_SUCH_PROGRAM"
  /** Runs inside helpers of runs, over 32 deep. */
  | "TOO_MANY_RUNS"
  /** A loop was given fewer inputs than runs. */
  | "BAD_INPUT"
  /** A level of safety below `checked` without an accepting verdict. */
  | "UNVERIFIED"
  /** Machine code cannot run here. */
  | "NOT_AVAILABLE"
  /** Something of the set belongs to one thread, or is not among what was shared. */
  | "NOT_SHARED"
  /** Code that another engine shared cannot be attached to. */
  | "FOREIGN_CODE"
  /** Other threads may be running the code, so it cannot go. */
  | "ATTACHED";

/** The only error `@bpfkit/jit-x64` throws. What a program does wrong while it runs is a fault in its result instead. */
export class JitError extends BpfkitError<JitErrorCode> {}
