import type { RunContext } from "@bpfkit/core";

/** What a run is given. */
export interface ContextInput {
  /** The packet from its Ethernet header on, or the memory of a `raw` program. */
  readonly data?: Uint8Array;
  /** Context fields by their kernel names; array elements are numbered: `cb0`. */
  readonly ctx?: Readonly<Record<string, bigint | number>>;
}

/** What a run left behind. */
export interface ContextOutput {
  /** The packet as a test run of Linux gives it back, or the memory. */
  readonly dataOut?: Uint8Array;
  /** Fields whose value is another than before, unsigned. */
  readonly ctx?: Readonly<Record<string, bigint>>;
  /** The name of what r0 says, where the type has names. */
  readonly action?: string;
}

/** Builds contexts of one program type in one guest memory, one at a time: building again reuses the same bytes. */
export interface ContextBuilder {
  readonly type: string;
  /**
   * Reserves what it needs the first time, and more for larger packets; never call it while a run is active.
   * @throws {ProgramTypeError} `EINVAL`, `UNKNOWN_FIELD`, `BAD_VALUE`.
   */
  build(input: ContextInput): RunContext;
  /** Reads back after a run that ended with `r0`. */
  readBack(context: RunContext, r0: bigint): ContextOutput;
}
