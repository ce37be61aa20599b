import { BpfkitError } from "@bpfkit/core";

/**
 * What `@bpfkit/fuzz` throws.
 * - `UNKNOWN_CLASS`: no class of programs has that name; the message lists those there are.
 * - `BAD_CODE`: a piece of code that cannot be laid out, such as a jump to a label that is not in it.
 */
export class FuzzError extends BpfkitError<"UNKNOWN_CLASS" | "BAD_CODE"> {}
