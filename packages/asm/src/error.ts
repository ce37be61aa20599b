import { BpfkitError } from "@bpfkit/core";

/** What `AsmError.code` may be. */
export type AsmErrorCode =
  /** The text is not of the syntax: the message says what was expected and what was found. */
  | "SYNTAX"
  /** A number does not fit where it stands. */
  | "OUT_OF_RANGE"
  /** A jump or call to a name that is neither a label nor a helper. */
  | "UNKNOWN_NAME"
  | "DUPLICATE_LABEL"
  /** Code to print that is not whole slots. */
  | "TRUNCATED";

/** The only error `@bpfkit/asm` throws. `place` has the line and column of text, 1-based, or the slot of code. */
export class AsmError extends BpfkitError<AsmErrorCode> {}
