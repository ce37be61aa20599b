import type { Fault, FaultKind, RunOptions, RunResult } from "@bpfkit/core";
import { faultOf } from "./fault.js";
import { execute } from "./loop.js";
import { getRegister, type Machine } from "./machine.js";
import { OUT_OF_FUEL } from "./status.js";
import { Tracer } from "./trace.js";

/** Fuel given at a time where nobody asks in between; below 2^31 with room to spare. */
const LONG = 1 << 30;
/** Fuel between two looks at `cancel`: well under a millisecond. */
const POLL = 1 << 16;

/** A run under way: it is given fuel until it ends. */
export class Drive {
  readonly #machine: Machine;
  readonly #options: RunOptions;
  readonly #tracer: Tracer | undefined;
  #instructions = 0;

  constructor(machine: Machine, options: RunOptions) {
    this.#machine = machine;
    this.#options = options;
    this.#tracer = options.onFrame || options.onInstruction ? new Tracer(machine, options) : undefined;
    this.#tracer?.begin();
  }

  /** Instructions run so far. */
  get instructions(): number {
    return this.#instructions;
  }

  /** Runs to the end. */
  finish(): RunResult {
    const portion = this.#tracer ? 1 : this.#options.cancel ? POLL : LONG;
    for (;;) {
      const result = this.advance(portion);
      if (result !== undefined) return result;
    }
  }

  /** Runs so many instructions, one at a time where hooks listen. The outcome, once the run has ended. */
  advance(portion: number): RunResult | undefined {
    const { budget = Number.POSITIVE_INFINITY, cancel } = this.#options;
    const left = budget - this.#instructions;
    // Not `left <= 0`: a budget that is no number must not run for ever.
    if (!(left > 0)) return this.stop("budget", `the budget of ${budget} instructions is used up`);
    if (cancel?.cancelled) return this.stop("cancelled", "the run was cancelled");
    const status = this.#machine.during(() => this.#burn(Math.ceil(Math.min(portion, left))));
    return status === OUT_OF_FUEL ? undefined : this.#result(this.#machine.fault);
  }

  #burn(fuel: number): number {
    this.#tracer?.before();
    this.#machine.fuel = fuel;
    const status = execute(this.#machine);
    this.#instructions += fuel - this.#machine.fuel;
    this.#tracer?.after(status);
    return status;
  }

  /** Ends the run before its next instruction. */
  stop(kind: FaultKind, why: string): RunResult {
    return this.#result(faultOf(this.#machine, kind, why));
  }

  #result(fault: Fault | undefined): RunResult {
    const { tailCalls, missedTailCalls, registers } = this.#machine;
    const counts = { instructions: this.#instructions, tailCalls, missedTailCalls };
    return fault === undefined ? { r0: getRegister(registers, 0), ...counts } : { r0: 0n, ...counts, fault };
  }
}
