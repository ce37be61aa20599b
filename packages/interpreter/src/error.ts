import { BpfkitError } from "@bpfkit/core";

/** What `InterpreterError.code` may be. */
export type InterpreterErrorCode =
  /** A slot holds no instruction this engine can run, or a field of it is wrong; the cause says which. */
  | "BAD_INSTRUCTION"
  /** A jump, call or function reference leads to where no instruction begins. */
  | "BAD_TARGET"
  /** A program names a map the link set does not hold, or one without guest memory. */
  | "BAD_MAP"
  /** The set's programs need more code space or ids than there are. */
  | "TOO_LARGE"
  /** The linked set was disposed of. */
  | "DISPOSED"
  /** No program of the set has this id. */
  | "NO_SUCH_PROGRAM"
  /** Runs inside helpers of runs, over 32 deep. */
  | "TOO_MANY_RUNS";

/** The only error `@bpfkit/interpreter` throws. What a program does wrong while it runs is a fault in its result instead. */
export class InterpreterError extends BpfkitError<InterpreterErrorCode> {}
