import type { RejectionErrno } from "./error.js";
import type { Facts } from "./facts.js";

/** The kernel's counts of a verification. */
export interface Statistics {
  readonly insnsProcessed: number;
  readonly maxStatesPerInsn: number;
  readonly totalStates: number;
  readonly peakStates: number;
}

/** What a verdict is bound to: change one and it says nothing any more. SHA-256, lower-case hex. */
export interface Digests {
  /** Code, type, attach type, flags, subprograms, references. */
  readonly program: string;
  /** The specs of the maps it names, frozen contents included. */
  readonly maps: string;
}

/** The outcome of a verification, as plain data. */
export interface Verdict extends Statistics {
  readonly verdict: "accept" | "reject";
  /** Of a rejection. */
  readonly errno?: RejectionErrno;
  /** Of a rejection: all lines of the kernel's reason, joined by newlines. */
  readonly message?: string;
  /** Of a rejection: the slot the walk was at; 0 where the program's structure is refused. */
  readonly slot?: number;
  /** The kernel's log at the level asked for, with the statistics line. */
  readonly log: string;
  /** Bytes of each subprogram's frame as the kernel prints them: of an accepted program, those some path came to. */
  readonly stackDepth: readonly number[];
  /** All subprograms, with bytes of their frames. */
  readonly subprograms: readonly {
    readonly name: string;
    readonly start: number;
    readonly isGlobal: boolean;
    readonly stackDepth: number;
  }[];
  /** What is known before each instruction, which `factAt` reads; absent where it was not asked for. */
  readonly facts?: Facts;
  /** The kernel version whose rules were applied. */
  readonly profile: string;
  readonly digests: Digests;
}
