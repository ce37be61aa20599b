import type {
  BatchResult,
  Engine,
  Linked,
  LinkSet,
  Program,
  ProgramId,
  RunContext,
  RunOptions,
  RunResult,
  SharedCode,
} from "@bpfkit/core";
import { Drive } from "./drive.js";
import { InterpreterError } from "./error.js";
import { Images } from "./images.js";
import { Machine } from "./machine.js";
import { Stacks } from "./stacks.js";
import { Stepper } from "./stepper.js";

/** An engine whose linked sets can also be stepped through. */
export interface Interpreter extends Engine {
  link(set: LinkSet): InterpreterLinked;
  /** Prepares the programs for this thread: what they share is their data. @throws {InterpreterError} `FOREIGN_CODE`, and as `link`. */
  attach(set: LinkSet, code: SharedCode): InterpreterLinked;
}

/** The reference engine: every instruction, checked memory, exact counts, on any platform. */
export const interpreter: Interpreter = {
  name: "interpreter",
  capabilities: { counts: true, steps: true, budget: true, workers: true },
  availability: () => ({ available: true }),
  link: (set) => new InterpreterLinked(set),
  attach(set, { engine }) {
    if (engine === interpreter.name) return new InterpreterLinked(set);
    throw new InterpreterError("FOREIGN_CODE", `the code is of engine ${engine}, not of the interpreter`);
  },
};

/** A link set the interpreter made ready; make one with `interpreter.link`. */
export class InterpreterLinked implements Linked {
  readonly set: LinkSet;
  readonly #images: Images;
  readonly #idle: Machine[] = [];
  #running = 0;
  #disposed = false;

  /**
   * @throws {InterpreterError} `BAD_INSTRUCTION`, `BAD_TARGET`, `BAD_MAP`, `BAD_REFERENCE` of any program in the set or in
   * its program arrays; what guest memory throws where it has no room for stacks.
   */
  constructor(set: LinkSet) {
    this.set = set;
    Stacks.of(set.memory);
    this.#images = new Images(set);
  }

  run(program: ProgramId, context: RunContext, options: RunOptions = {}): RunResult {
    const machine = this.#acquire(program, context, "nested");
    try {
      return new Drive(machine, options).finish();
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

  /** Begins a run that the caller steps through; hooks hear of it as of any other. `onEnd`: when it has ended, in whatever way. */
  start(program: ProgramId, context: RunContext, options: RunOptions = {}, onEnd: () => void = () => {}): Stepper {
    const machine = this.#acquire(program, context, "free");
    try {
      return new Stepper(machine, context, options, () => {
        this.#release(machine);
        onEnd();
      });
    } catch (error) {
      this.#release(machine);
      throw error;
    }
  }

  /** Prepared code is each thread's own, so there is nothing to wait for in `dispose`. @throws {InterpreterError} `NOT_SHARED`. */
  share(): SharedCode {
    if (this.set.memory.views.i64 === undefined)
      throw new InterpreterError("NOT_SHARED", "the set's memory was not made to be shared");
    return { engine: interpreter.name };
  }

  idOf(program: Program): ProgramId | undefined {
    return this.#images.idOf(program);
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#running === 0) this.#images.dispose();
  }

  /** A run inside a helper of a run gets a machine of its own. `lifetime`: whether it surely ends before the outer one goes on. */
  #acquire(program: ProgramId, context: RunContext, lifetime: "nested" | "free"): Machine {
    if (this.#disposed) throw new InterpreterError("DISPOSED", "the linked set was disposed of");
    const { base } = this.#images.image(program);
    const machine = this.#idle.pop() ?? new Machine(this.set, this.#images, context);
    machine.begin(base, context, lifetime);
    this.#running++;
    return machine;
  }

  #release(machine: Machine): void {
    machine.end();
    this.#idle.push(machine);
    if (--this.#running === 0 && this.#disposed) this.#images.dispose();
  }
}
