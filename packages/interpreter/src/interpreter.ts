import {
  type BatchResult,
  type Engine,
  FRAME_BYTES,
  type Linked,
  type LinkSet,
  type Program,
  type ProgramId,
  type Region,
  type RunContext,
  type RunOptions,
  type RunResult,
} from "@bpfkit/core";
import { drive } from "./drive.js";
import { InterpreterError } from "./error.js";
import { Images } from "./images.js";
import { MAX_NESTED_RUNS, STACK_STRIDE } from "./layout.js";
import { frameCount, Machine } from "./machine.js";
import { Stepper } from "./stepper.js";

/** An engine whose linked sets can also be stepped through. */
export interface Interpreter extends Engine {
  link(set: LinkSet): InterpreterLinked;
}

/** The reference engine: every instruction, checked memory, exact counts, on any platform. */
export const interpreter: Interpreter = {
  name: "interpreter",
  capabilities: { counts: true, steps: true, budget: true, workers: false },
  availability: () => ({ available: true }),
  link: (set) => new InterpreterLinked(set),
};

/** A link set the interpreter made ready; make one with `interpreter.link`. */
export class InterpreterLinked implements Linked {
  readonly set: LinkSet;
  readonly #images: Images;
  readonly #idle: Machine[] = [];
  readonly #stacks: Region[] = [];
  #running = 0;
  #disposed = false;

  /** @throws {InterpreterError} `BAD_INSTRUCTION`, `BAD_TARGET`, `BAD_MAP` of any program in the set. */
  constructor(set: LinkSet) {
    this.set = set;
    this.#images = new Images(set);
    this.#idle.push(this.#newMachine());
  }

  run(program: ProgramId, context: RunContext, options: RunOptions = {}): RunResult {
    const machine = this.#acquire(program, context);
    try {
      return drive(machine, options);
    } finally {
      this.#release(machine);
    }
  }

  runMany(
    program: ProgramId,
    count: number,
    prepare: (index: number) => RunContext,
    options: RunOptions = {},
  ): BatchResult {
    const r0 = new BigUint64Array(count);
    const sums = { instructions: 0, tailCalls: 0, missedTailCalls: 0 };
    for (let index = 0; index < count; index++) {
      const result = this.run(program, prepare(index), options);
      sums.instructions += result.instructions ?? 0;
      sums.tailCalls += result.tailCalls ?? 0;
      sums.missedTailCalls += result.missedTailCalls ?? 0;
      if (result.fault !== undefined) return { r0, completed: index, ...sums, fault: result.fault };
      r0[index] = result.r0;
    }
    return { r0, completed: count, ...sums };
  }

  /** Begins a run that the caller steps through. */
  start(program: ProgramId, context: RunContext, options: RunOptions = {}): Stepper {
    const machine = this.#acquire(program, context);
    return new Stepper(machine, options, () => this.#release(machine));
  }

  idOf(program: Program): ProgramId | undefined {
    return this.#images.idOf(program);
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#running === 0) this.#free();
  }

  /** A run inside a helper of a run gets a machine, and so a stack, of its own. */
  #acquire(program: ProgramId, context: RunContext): Machine {
    if (this.#disposed) throw new InterpreterError("DISPOSED", "the linked set was disposed of");
    if (this.#running >= MAX_NESTED_RUNS) {
      throw new InterpreterError("TOO_MANY_RUNS", `more than ${MAX_NESTED_RUNS} runs inside one another`);
    }
    const { base } = this.#images.image(program);
    const machine = this.#idle.pop() ?? this.#newMachine();
    this.#running++;
    this.set.memory.enterRun();
    machine.begin(base, context);
    return machine;
  }

  #release(machine: Machine): void {
    this.set.memory.leaveRun();
    this.#idle.push(machine);
    this.#running--;
    if (this.#disposed && this.#running === 0) this.#free();
  }

  #newMachine(): Machine {
    const { memory } = this.set;
    const frames = frameCount(this.set);
    const stack = memory.reserve("the stack", frames * STACK_STRIDE, "none");
    const first = stack.start + stack.size - FRAME_BYTES;
    for (let frame = 0; frame < frames; frame++) memory.permit(first - frame * STACK_STRIDE, FRAME_BYTES, "read-write");
    memory.describe(first, "the stack frame", FRAME_BYTES, -STACK_STRIDE, frames);
    this.#stacks.push(stack);
    return new Machine(this.set, this.#images, stack);
  }

  #free(): void {
    this.#images.dispose();
    for (const stack of this.#stacks.splice(0)) this.set.memory.release(stack);
  }
}
