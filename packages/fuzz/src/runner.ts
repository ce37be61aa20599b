import type { FuzzCase } from "./case.js";
import type { Difference } from "./compare.js";

/** Something that carries out a case: an engine with all that it needs around it. */
export interface FuzzRunner {
  readonly name: string;
  /** Bits of r0 it tells, where they are not all 64. */
  readonly returnBits?: 32;
  /** Carries the case out from new maps on. A program it refuses is a rejection in the outcome. */
  run(subject: FuzzCase): CaseOutcome;
  /**
   * The same with everything at other addresses, where it can: what differs between the two depends on addresses, which
   * are each engine's own.
   */
  runElsewhere?(subject: FuzzCase): CaseOutcome;
}

/** What a case came to on one engine. */
export interface CaseOutcome {
  /** The first program that was refused; then nothing was run. */
  readonly rejection?: { readonly program: string; readonly reason: string };
  /**
   * Why the engine was not asked at all: it runs only what somebody vouched for, and this program nobody does. Such an
   * outcome is held against none; the session counts it.
   */
  readonly skipped?: { readonly program: string; readonly reason: string };
  readonly runs: readonly RunOutcome[];
  /** What the data maps hold after the runs, by name: keys and values in hex, sorted by key. */
  readonly maps: Readonly<Record<string, readonly (readonly [key: string, value: string])[]>>;
}

export interface RunOutcome {
  /** Unsigned. */
  readonly r0: bigint;
  /** The packet after the run, where it is told. */
  readonly data?: Uint8Array;
  /** Context fields that a program may write, by name, as far as they are not 0; where they are told. */
  readonly ctx?: Readonly<Record<string, bigint>>;
  /** One line, where the run ended before its exit. */
  readonly fault?: string;
}

/** A verdict on one program, as far as two can be held against each other. */
export interface FuzzVerdict {
  readonly verdict: "accept" | "reject";
  readonly errno?: string;
  readonly message?: string;
  /** Of a rejection: the slot it was about, where that is told. */
  readonly slot?: number;
}

/** Something that judges programs without running them. */
export interface FuzzJudge {
  readonly name: string;
  /** A verdict for each program of the case, in order. */
  verdicts(subject: FuzzCase): readonly FuzzVerdict[];
}

/** Something that judges programs, runs what it accepted, and holds each run against what its verdict claims. */
export interface ClaimChecker extends FuzzJudge {
  /** Runs of programs it refuses are left out, and so are they in program arrays. */
  check(subject: FuzzCase): ClaimOutcome;
}

/** What a case came to whose runs were held against verdicts. */
export interface ClaimOutcome {
  /** The first claim a run broke: what the verdict says on the left, what was found on the right. */
  readonly broken?: Difference;
  readonly runs: number;
  readonly instructions: number;
  /** Registers that were held against their ranges. */
  readonly compared: number;
}
