import type { FrameInfo, RunOptions, RunResult } from "@bpfkit/core";
import { interruption, resultOf } from "./drive.js";
import { currentFrame, framesOf } from "./fault.js";
import { execute } from "./loop.js";
import type { Machine } from "./machine.js";
import { OUT_OF_FUEL } from "./status.js";
import { registersOf } from "./trace.js";

/**
 * A run under the caller's hand: one instruction at a time, or until a condition. It holds its link set until it ends or
 * is disposed of.
 */
export class Stepper {
  readonly #machine: Machine;
  readonly #options: RunOptions;
  readonly #release: () => void;
  #instructions = 0;
  #result: RunResult | undefined;

  constructor(machine: Machine, options: RunOptions, release: () => void) {
    this.#machine = machine;
    this.#options = options;
    this.#release = release;
  }

  /** The outcome, once the run has ended. */
  get result(): RunResult | undefined {
    return this.#result;
  }

  /** Instructions run so far. */
  get instructions(): number {
    return this.#instructions;
  }

  /** r0–r10, unsigned 64 bits. */
  get registers(): bigint[] {
    return registersOf(this.#machine);
  }

  /** Where the next instruction is. */
  get frame(): FrameInfo {
    return currentFrame(this.#machine);
  }

  /** All frames, innermost first. */
  get frames(): FrameInfo[] {
    return framesOf(this.#machine);
  }

  /** Runs one instruction; callbacks of helpers are stepped into. Returns the outcome once the run has ended. */
  step(): RunResult | undefined {
    if (this.#result !== undefined) return this.#result;
    const left = (this.#options.budget ?? Number.POSITIVE_INFINITY) - this.#instructions;
    const stop = interruption(this.#machine, this.#options, left);
    if (stop !== undefined) return this.#end(resultOf(this.#machine, this.#instructions, stop));
    this.#machine.fuel = 1;
    const status = execute(this.#machine);
    this.#instructions += 1;
    if (status === OUT_OF_FUEL) return undefined;
    return this.#end(resultOf(this.#machine, this.#instructions, this.#machine.fault));
  }

  /** Steps until `stop` says so of the next instruction's frame, or the run ends. */
  runUntil(stop: (frame: FrameInfo, stepper: Stepper) => boolean): RunResult | undefined {
    do {
      this.step();
    } while (this.#result === undefined && !stop(this.frame, this));
    return this.#result;
  }

  /** Ends the run where it is; harmless after its end. */
  dispose(): void {
    if (this.#result !== undefined) return;
    this.#end(resultOf(this.#machine, this.#instructions, undefined));
  }

  #end(result: RunResult): RunResult {
    this.#result = result;
    this.#release();
    return result;
  }
}
