import type { FrameInfo, RunOptions, RunResult } from "@bpfkit/core";
import { Drive } from "./drive.js";
import { framesOf } from "./fault.js";
import type { Machine } from "./machine.js";
import { registersOf } from "./trace.js";

/**
 * A run under the caller's hand: one instruction at a time, or until a condition. It holds its link set, and one of the
 * stacks of its guest memory, until it ends or is disposed of. Registers and frames stay readable as they were then.
 */
export class Stepper {
  readonly #machine: Machine;
  readonly #drive: Drive;
  readonly #release: () => void;
  #end: { result: RunResult; registers: bigint[]; frames: FrameInfo[] } | undefined;

  constructor(machine: Machine, options: RunOptions, release: () => void) {
    this.#machine = machine;
    this.#drive = new Drive(machine, options);
    this.#release = release;
  }

  /** The outcome, once the run has ended. */
  get result(): RunResult | undefined {
    return this.#end?.result;
  }

  /** Instructions run so far. */
  get instructions(): number {
    return this.#drive.instructions;
  }

  /** r0–r10, unsigned 64 bits. */
  get registers(): bigint[] {
    return this.#end?.registers ?? registersOf(this.#machine);
  }

  /** Where the next instruction is. */
  get frame(): FrameInfo {
    return this.frames[0]!;
  }

  /** All frames, innermost first. */
  get frames(): FrameInfo[] {
    return this.#end?.frames ?? framesOf(this.#machine);
  }

  /** Runs one instruction; callbacks of helpers are stepped into. Returns the outcome once the run has ended. */
  step(): RunResult | undefined {
    if (this.#end !== undefined) return this.#end.result;
    const result = this.#drive.advance(1);
    return result === undefined ? undefined : this.#finish(result);
  }

  /** Steps until `stop` says so of the next instruction's frame, at least once, or until the run ends. */
  runUntil(stop: (frame: FrameInfo, stepper: Stepper) => boolean): RunResult | undefined {
    do {
      this.step();
    } while (this.#end === undefined && !stop(this.frame, this));
    return this.result;
  }

  /** Ends the run where it is, with a fault `cancelled`; harmless after its end. */
  dispose(): void {
    if (this.#end === undefined) this.#finish(this.#drive.stop("cancelled", "the run was given up"));
  }

  #finish(result: RunResult): RunResult {
    this.#end = { result, registers: this.registers, frames: this.frames };
    this.#release();
    return result;
  }
}
