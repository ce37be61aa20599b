import type { Fault, RunOptions, RunResult } from "@bpfkit/core";
import { faultOf } from "./fault.js";
import { execute } from "./loop.js";
import { getRegister, type Machine } from "./machine.js";
import { OUT_OF_FUEL } from "./status.js";
import { Tracer } from "./trace.js";

/** Fuel given at a time where nobody asks in between; below 2^31 with room to spare. */
const LONG = 1 << 30;
/** Fuel between two looks at `cancel`: well under a millisecond. */
const POLL = 1 << 16;

/** Runs a machine that was begun to its end. */
export function drive(machine: Machine, options: RunOptions): RunResult {
  const tracer = options.onFrame || options.onInstruction ? new Tracer(machine, options) : undefined;
  const portion = tracer ? 1 : options.cancel ? POLL : LONG;
  let left = options.budget ?? Number.POSITIVE_INFINITY;
  let instructions = 0;
  tracer?.begin();
  for (;;) {
    const stop = interruption(machine, options, left);
    if (stop !== undefined) return resultOf(machine, instructions, stop);
    const fuel = Math.min(portion, left);
    tracer?.before();
    machine.fuel = fuel;
    const status = execute(machine);
    const spent = fuel - machine.fuel;
    instructions += spent;
    left -= spent;
    tracer?.after(status);
    if (status !== OUT_OF_FUEL) return resultOf(machine, instructions, machine.fault);
  }
}

/** Why a run must stop before its next instruction. */
export function interruption(machine: Machine, { budget, cancel }: RunOptions, left: number): Fault | undefined {
  if (left <= 0) return faultOf(machine, "budget", `the budget of ${budget} instructions is used up`);
  return cancel?.cancelled ? faultOf(machine, "cancelled", "the run was cancelled") : undefined;
}

/** What a run came to. */
export function resultOf(machine: Machine, instructions: number, fault: Fault | undefined): RunResult {
  const { tailCalls, missedTailCalls } = machine;
  const r0 = fault === undefined ? getRegister(machine.registers, 0) : 0n;
  return { r0, instructions, tailCalls, missedTailCalls, ...(fault === undefined ? {} : { fault }) };
}
