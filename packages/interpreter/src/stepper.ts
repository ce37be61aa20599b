import type { FrameInfo, Program, RunContext, RunOptions, RunResult } from "@bpfkit/core";
import { Drive } from "./drive.js";
import { framesOf } from "./fault.js";
import { FRAME_WORDS, STACK_STRIDE, STRIDE } from "./layout.js";
import type { Machine } from "./machine.js";
import { registersOf } from "./trace.js";

/**
 * A run under the caller's hand: one instruction at a time, or until a condition. It holds its link set, and one of the
 * stacks of its guest memory, until it ends or is disposed of. Registers and frames stay readable as they were then.
 */
export class Stepper {
  /** What the run runs on. */
  readonly context: RunContext;
  readonly #machine: Machine;
  readonly #drive: Drive;
  readonly #release: () => void;
  #end: { result: RunResult; registers: bigint[]; frames: FrameInfo[] } | undefined;

  constructor(machine: Machine, context: RunContext, options: RunOptions, release: () => void) {
    this.context = context;
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

  /*
   * What a watcher of every instruction asks for, at the price of a field each. All of it is the machine's own: it means
   * something until the run ends.
   */

  /** r0–r10 as 32-bit halves, low first. Not to be written. */
  get halves(): Int32Array {
    return this.#machine.registers;
  }

  /** The program the next instruction is in. */
  get program(): Program {
    return this.#machine.images.imageAt(this.#machine.pc).program;
  }

  /** The slot of the next instruction in its program. */
  get slot(): number {
    const { images, pc } = this.#machine;
    return (pc - images.imageAt(pc).base) / STRIDE;
  }

  /** Frames there are: 1 while only the entry's is. */
  get depth(): number {
    return this.#machine.fp / FRAME_WORDS + 1;
  }

  /** Guest address one past the stack of the frame so many up from the running one. */
  stackOf(up: number): number {
    return (this.#machine.registers[20]! >>> 0) + up * STACK_STRIDE;
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
