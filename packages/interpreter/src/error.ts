import { BpfkitError } from "@bpfkit/core";

/** What `InterpreterError.code` may be. */
export type InterpreterErrorCode =
  /** A slot holds no instruction this engine can run, or a field of it is wrong; the cause says which. */
  | "BAD_INSTRUCTION"
  /** A jump, call or function reference leads to where no instruction begins. */
  | "BAD_TARGET"
  /** A program names a map the link set does not hold, or takes the address of a value that has none. */
  | "BAD_MAP"
  /** References and the instructions they belong to do not fit: one without the other, or two at one slot. */
  | "BAD_REFERENCE"
  /** The linked set was disposed of. */
  | "DISPOSED"
  /** No program of the set has this id. */
  | "NO_SUCH_PROGRAM"
  /** Over 32 runs at one time, inside helpers of others or stepped through. */
  | "TOO_MANY_RUNS"
  /** Code that another engine shared cannot be attached to. */
  | "FOREIGN_CODE"
  /** The set's memory belongs to one thread. */
  | "NOT_SHARED";

/** The only error `@bpfkit/interpreter` throws. What a program does wrong while it runs is a fault in its result instead. */
export class InterpreterError extends BpfkitError<InterpreterErrorCode> {}
