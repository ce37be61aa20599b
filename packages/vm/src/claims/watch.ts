import type { Program, RunResult } from "@bpfkit/core";
import { VmError } from "../error.js";
import { type BrokenClaim, brokenAt, type Claims } from "./claims.js";
import type { Watched } from "./origin.js";

/** What a run came to that was held against verdicts. */
export interface WatchedResult {
  /** The first claim it broke; nothing was run from there on. */
  readonly broken?: BrokenClaim;
  /** Instructions run. */
  readonly instructions: number;
  /** Registers that were compared. */
  readonly compared: number;
}

/** Faults that say nothing of the program: it was stopped, or it needs what is not there. */
const INNOCENT = new Set(["budget", "cancelled", "not-available"]);

/**
 * Steps a run to its end and holds each instruction against what the verdict on its program claims. A fault is a broken
 * claim, too: what was accepted has none. `claimsOf` knows every program the run comes to.
 * @throws {VmError} `NO_SUCH_PROGRAM` where it does not.
 */
export function watch(run: Watched, claimsOf: (program: Program) => Claims | undefined): WatchedResult {
  const { stepper } = run;
  let compared = 0;
  const broke = (claim: Omit<BrokenClaim, "program">, program: Program): WatchedResult => ({
    broken: { program: program.name, ...claim },
    instructions: stepper.instructions,
    compared,
  });
  let last: Program | undefined;
  let claims: Claims | undefined;
  for (let expected = -1; ; ) {
    const { program, slot } = stepper;
    if (program !== last) claims = known(claimsOf(program), program);
    if (expected >= 0 && expected !== slot) {
      return broke({ slot, claimed: `a jump that goes to slot ${expected} only`, found: `slot ${slot}` }, program);
    }
    last = program;
    const here = claims!.at(slot);
    const broken = brokenAt(here, run);
    if (broken !== undefined) return broke({ slot, ...broken }, program);
    compared += here.registers.length;
    expected = here.next;
    const result = stepper.step();
    if (result !== undefined) return ended(result, slot, program, compared);
  }
}

function known(claims: Claims | undefined, program: Program): Claims {
  if (claims !== undefined) return claims;
  throw new VmError("NO_SUCH_PROGRAM", "the run came to it, and there is no verdict on it", { program: program.name });
}

function ended(
  { fault, instructions = 0 }: RunResult,
  slot: number,
  program: Program,
  compared: number,
): WatchedResult {
  if (fault === undefined || INNOCENT.has(fault.kind)) return { instructions, compared };
  return {
    broken: { program: program.name, slot, claimed: "accepted, so no fault", found: fault.message },
    instructions,
    compared,
  };
}
