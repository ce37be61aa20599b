import { BpfkitError } from "@bpfkit/core";

/**
 * - `OUT_OF_MEMORY`: past `maxBytes`, past a thread's area, or the platform gave no more.
 * - `GROWTH_IN_RUN`: a run is active. `GROWTH_SHARED`: other threads may use the memory.
 * - `BAD_SIZE`: a negative or fractional size or number.
 * - `NOT_SHARED`: it was not made to be shared. `ALREADY_SHARED`: it is.
 * - `NO_SEAT`: as many threads are attached as it was shared for. `CLOSED`: its owner closed it. `ATTACHED`: threads are
 *   attached, so it cannot be closed.
 */
export type MemoryErrorCode =
  | "OUT_OF_MEMORY"
  | "GROWTH_IN_RUN"
  | "GROWTH_SHARED"
  | "BAD_SIZE"
  | "NOT_SHARED"
  | "ALREADY_SHARED"
  | "NO_SEAT"
  | "CLOSED"
  | "ATTACHED";

/** What guest memory throws itself. */
export class MemoryError extends BpfkitError<MemoryErrorCode> {}
