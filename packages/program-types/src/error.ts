import { BpfkitError } from "@bpfkit/core";

/** What `ProgramTypeError.code` may be. */
export type ProgramTypeErrorCode =
  /** No context can be built for the type; the message lists those that can. */
  | "UNSUPPORTED_PROGRAM_TYPE"
  /** The kernel refuses such an input with this errno: a packet too short, a field that must be 0. */
  | "EINVAL"
  /** The context has no such field, or a test run cannot set it; the message lists those it can. */
  | "UNKNOWN_FIELD"
  /** A value does not fit its field. */
  | "BAD_VALUE";

/** The only error `@bpfkit/program-types` throws. */
export class ProgramTypeError extends BpfkitError<ProgramTypeErrorCode> {}
