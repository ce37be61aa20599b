import type { Outcome, RunInput, VmProgram, VmRunOptions } from "@bpfkit/vm";
import type { TraceHooks } from "./trace.js";

/** A run, or several of one context, and what one of them took. */
export interface TimedOutcome {
  readonly outcome: Outcome;
  /** Nanoseconds, the mean by the wall clock. */
  readonly ns: number;
}

/** Runs a linked program on one context, `options.repeat` times. */
export function runOnce(
  runnable: VmProgram,
  input: { readonly data: Uint8Array | undefined; readonly ctx: RunInput["ctx"] },
  options: VmRunOptions & { readonly repeat: number },
  hooks?: TraceHooks,
): TimedOutcome {
  const { data, ctx = {} } = input;
  const given: RunInput = data === undefined ? { ctx } : { data, ctx };
  const { end, ...callbacks } = hooks ?? { end: undefined };
  const start = process.hrtime.bigint();
  const outcome = runnable.run(given, { ...options, ...callbacks });
  const ns = Math.round(Number(process.hrtime.bigint() - start) / options.repeat);
  end?.(outcome.r0);
  return { outcome, ns };
}
