import type { BatchResult, RunOptions } from "@bpfkit/core";
import type { LoopInput } from "./linked.js";
import type { Run } from "./run.js";
import type { Units } from "./units.js";

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
export function runLoop(
  run: Run,
  units: Units,
  { count, r1 }: LoopInput,
  options: RunOptions,
  results: "all" | "last",
): BatchResult {
  const r0 = new BigUint64Array(results === "all" ? count : 1);
  const inputs = r1 ?? BigUint64Array.of(run.buffer.get64("args"));
  const { buffer } = run;
  buffer.set64("inputs", units.addressOf(inputs));
  buffer.setInteger("inputStride", r1 === undefined ? 0 : 8);
  buffer.set64("outputs", units.addressOf(r0));
  buffer.setInteger("outputStride", results === "all" ? 8 : 0);
  let completed = 0;
  for (let slice = 1; completed < count; ) {
    if (options.cancel?.cancelled) {
      run.cancel();
      break;
    }
    const runs = Math.min(slice, count - completed);
    const started = performance.now();
    buffer.setInteger("runsLeft", runs);
    run.enterLoop();
    completed += runs - buffer.getInteger("runsLeft");
    if (run.faulted) break;
    slice = nextSlice(runs, performance.now() - started);
  }
  const fault = run.fault();
  return { r0, completed, ...(fault === undefined ? {} : { fault }) };
}
