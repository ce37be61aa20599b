import { BpfkitError } from "@bpfkit/core";

/** What `HelperError.code` may be. */
export type HelperErrorCode =
  /** A map of a type the helper does not take. */
  | "BAD_MAP"
  /** An argument the verifier would not have let through. */
  | "BAD_ARGUMENT"
  /** The helper needs a packet, or a kind of context, that the run does not have. */
  | "BAD_CONTEXT";

/** Thrown by helper bodies; an engine makes a fault of it. What Linux answers with an errno is r0 instead. */
export class HelperError extends BpfkitError<HelperErrorCode> {}
