import type { RunOptions, TraceEvent } from "@bpfkit/core";
import type { Vm } from "@bpfkit/vm";
import type { Output } from "../output.js";
import { FrameTrace } from "./frame-trace.js";
import { InstructionTrace } from "./instruction-trace.js";

/** The event of one instruction. */
export type InstructionEvent = Extract<TraceEvent, { kind: "instruction" }>;

/** The events of frames. */
export type FrameEvent = Exclude<TraceEvent, InstructionEvent>;

/** Hooks that print each instruction or what happens to frames. */
export interface TraceHooks extends Pick<RunOptions, "onFrame" | "onInstruction"> {
  /** Prints what is held back, once a run has ended with `r0`. */
  end(r0: bigint): void;
}

/** Makes the hooks that `--trace` and `--trace-frames` ask for. */
export function traceHooks(
  vm: Vm,
  output: Output,
  wanted: { readonly instructions: boolean; readonly frames: boolean },
): TraceHooks {
  const instructions = new InstructionTrace(vm, output);
  const frames = new FrameTrace(vm, output);
  const onInstruction = (event: TraceEvent): void => {
    if (event.kind === "instruction") instructions.take(event);
  };
  const onFrame = (event: TraceEvent): void => {
    instructions.flush();
    if (event.kind !== "instruction") frames.take(event);
  };
  return {
    ...(wanted.instructions ? { onInstruction } : {}),
    ...(wanted.frames ? { onFrame } : {}),
    end: (r0) => instructions.flush([r0]),
  };
}
