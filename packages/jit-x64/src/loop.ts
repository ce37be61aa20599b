import type { BatchResult, RunOptions } from "@bpfkit/core";
import { FIELDS } from "./context.js";
import type { LoopInput } from "./linked.js";
import type { Run } from "./run.js";

/** Milliseconds a slice should take. */
const SLICE = 20;
/** A slice is at most so many times longer than the one before, which told how long a run takes. */
const GROWTH = 8;

/** Runs of a slice, from what the last one took. */
function nextSlice(runs: number, milliseconds: number): number {
  const wanted = Math.floor((runs * SLICE) / Math.max(milliseconds, 0.001));
  return Math.max(1, Math.min(wanted, runs * GROWTH));
}

/** Carries a loop out in slices, with a look at `cancel` between them. The run was begun. */
export function runLoop(run: Run, { count, r1 }: LoopInput, options: RunOptions, results: "all" | "last"): BatchResult {
  const { buffer } = run;
  const r0 = outside(results === "all" ? count : 1);
  const inputs = outside(r1?.length ?? 1);
  inputs.set(r1 ?? [buffer.get64(FIELDS.args)]);
  buffer.point(FIELDS.inputs, inputs);
  buffer.setInteger(FIELDS.inputStride, r1 === undefined ? 0 : 8);
  buffer.point(FIELDS.outputs, r0);
  buffer.setInteger(FIELDS.outputStride, results === "all" ? 8 : 0);
  buffer.setInteger(FIELDS.instructions, 0);
  let completed = 0;
  for (let slice = 1; completed < count; ) {
    if (options.cancel?.cancelled) {
      run.cancel();
      break;
    }
    const runs = Math.min(slice, count - completed);
    const started = performance.now();
    buffer.setInteger(FIELDS.runsLeft, runs);
    run.enterLoop();
    completed += runs - buffer.getInteger(FIELDS.runsLeft);
    if (run.faulted) break;
    slice = nextSlice(runs, performance.now() - started);
  }
  const fault = run.fault();
  run.close();
  return { r0, completed, ...run.loopCounts(), ...(fault === undefined ? {} : { fault }) };
}

/** 64-bit numbers that no garbage collection moves: small typed arrays would lie in the JavaScript heap. */
function outside(length: number): BigUint64Array {
  return new BigUint64Array(new ArrayBuffer(Math.max(length, 1) * 8), 0, length);
}
