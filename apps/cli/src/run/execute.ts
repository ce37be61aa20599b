import { isBpfkitError } from "@bpfkit/core";
import type { Outcome, RunInput, VmProgram, VmRunOptions } from "@bpfkit/vm";
import type { TraceHooks } from "./trace.js";

/** A run, or the last of several on one context. */
export interface TimedOutcome {
  /** Counts are, as the time, the mean of one run. */
  readonly outcome: Outcome;
  /** Nanoseconds by the wall clock. */
  readonly ns: number;
}

/** Why a packet of several was not run on, as the kernel refuses it. */
export interface RefusedInput {
  readonly refused: string;
}

/**
 * Runs a linked program on one context, `options.repeat` times. What the kernel refuses as input is an error, or, where it
 * is one of `several`, an answer: the others are still run on.
 */
export function runOnce(
  runnable: VmProgram,
  input: { readonly data: Uint8Array | undefined; readonly ctx: RunInput["ctx"] },
  options: VmRunOptions & { readonly repeat: number },
  hooks: TraceHooks | undefined,
  several: boolean,
): TimedOutcome | RefusedInput {
  const { data, ctx = {} } = input;
  const given: RunInput = data === undefined ? { ctx } : { data, ctx };
  const { end, ...callbacks } = hooks ?? { end: undefined };
  const start = process.hrtime.bigint();
  try {
    const outcome = runnable.run(given, { ...options, ...callbacks });
    const ns = Math.round(Number(process.hrtime.bigint() - start) / options.repeat);
    end?.(outcome.r0);
    return { outcome: { ...outcome, ...meanCounts(outcome, options.repeat) }, ns };
  } catch (error) {
    if (several && isBpfkitError(error) && error.code === "EINVAL") return { refused: `EINVAL: ${error.message}` };
    throw error;
  }
}

function meanCounts(outcome: Outcome, repeat: number): Pick<Outcome, (typeof COUNTS)[number]> {
  const counted = COUNTS.flatMap((name) => (outcome[name] === undefined ? [] : [[name, outcome[name]] as const]));
  return Object.fromEntries(counted.map(([name, sum]) => [name, Math.round(sum / repeat)]));
}

const COUNTS = ["instructions", "tailCalls", "missedTailCalls"] as const;
