import type { GuestMemory, Linked, Program, ProgramId, RunContext, RunOptions, RunResult } from "@bpfkit/core";
import { InterpreterLinked, type Stepper } from "@bpfkit/interpreter";
import { type ContextBuilder, createContext } from "@bpfkit/program-types";
import type { Claims } from "./claims/claims.js";
import { type WatchedResult, watch } from "./claims/watch.js";
import { VmError } from "./error.js";
import type { Outcome, RunInput, VmRunOptions } from "./types.js";

/** Contexts of each program type. A run has one to itself: another may begin inside a helper of it, or be stepped beside it. */
export class Contexts {
  readonly #memory: GuestMemory;
  readonly #idle = new Map<string, ContextBuilder[]>();

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** @throws an error `UNSUPPORTED_PROGRAM_TYPE` where no context can be built. */
  take(type: string): ContextBuilder {
    return this.#idle.get(type)?.pop() ?? createContext(type, this.#memory);
  }

  give(type: string, builder: ContextBuilder): void {
    const idle = this.#idle.get(type);
    if (idle === undefined) this.#idle.set(type, [builder]);
    else idle.push(builder);
  }
}

/** Where a program's code comes from. */
export interface ProgramLink {
  /** Gives the set the program runs in, linked; it throws once there is none any more. */
  link(): Linked;
  /** Gives back what was linked for the program alone. */
  unlink(): void;
}

/** A program of a VM, ready to run. */
export class VmProgram {
  readonly program: Program;
  readonly #engine: string;
  readonly #contexts: Contexts;
  readonly #link: ProgramLink;
  #linked: Linked | undefined;

  constructor(program: Program, engine: string, contexts: Contexts, link: ProgramLink) {
    this.program = program;
    this.#engine = engine;
    this.#contexts = contexts;
    this.#link = link;
  }

  get type(): string {
    return this.program.type;
  }

  /** Links the program now instead of at its first run. @throws errors of linking, as `run` does. */
  link(): void {
    this.#ready();
  }

  /**
   * Runs the program on a packet or memory. What the program does wrong is a fault in the outcome.
   * @throws errors of the input (a packet too short, an unknown context field) and of linking (an instruction or map that is
   * none); {VmError} `DISPOSED`.
   */
  run(input: RunInput = {}, options: VmRunOptions = {}): Outcome {
    const { linked, id } = this.#ready();
    const builder = this.#contexts.take(this.type);
    try {
      const context = builder.build(input);
      const { repeat = 1, ...each } = options;
      // Not `repeat <= 1`: what is no number runs once.
      const result = repeat > 1 ? runRepeatedly(linked, id, context, repeat, each) : linked.run(id, context, each);
      return this.#outcome(builder, context, result);
    } finally {
      this.#contexts.give(this.type, builder);
    }
  }

  /**
   * Begins a run that the caller steps through; only the interpreter can.
   * @throws as `run`, and {VmError} `UNSUPPORTED`.
   */
  step(input: RunInput = {}, options: RunOptions = {}): Stepper {
    const { linked, id } = this.#ready();
    if (!(linked instanceof InterpreterLinked))
      throw new VmError("UNSUPPORTED", `engine ${this.#engine} cannot step; the interpreter can`);
    const builder = this.#contexts.take(this.type);
    const give = (): void => this.#contexts.give(this.type, builder);
    try {
      return linked.start(id, builder.build(input), options, give);
    } catch (error) {
      give();
      throw error;
    }
  }

  /**
   * Runs step by step and holds every instruction against what the verdicts claim of it; gives up at the first claim that is
   * broken. `claimsOf`: of every program the run may come to.
   * @throws as `step`, and {VmError} `NO_SUCH_PROGRAM` where it comes to another.
   */
  watch(
    claimsOf: (program: Program) => Claims | undefined,
    input: RunInput = {},
    options: RunOptions = {},
  ): WatchedResult {
    const stepper = this.step(input, options);
    try {
      return watch({ stepper, maps: this.#linked!.set.maps }, claimsOf);
    } finally {
      stepper.dispose();
    }
  }

  #ready(): { readonly linked: Linked; readonly id: ProgramId } {
    // The context first: it reserves guest memory, which no run may do.
    if (this.#linked === undefined) this.#contexts.give(this.type, this.#contexts.take(this.type));
    const linked = this.#link.link();
    this.#linked = linked;
    return { linked, id: linked.idOf(this.program)! };
  }

  #outcome(builder: ContextBuilder, context: RunContext, result: RunResult): Outcome {
    const { program } = this;
    const read = result.fault === undefined ? builder.readBack(context, result.r0) : {};
    const { redirect } = context;
    return {
      program: program.name,
      type: program.type,
      engine: this.#engine,
      ...result,
      ...read,
      ...(redirect === undefined ? {} : { redirect }),
    };
  }

  /** Gives back what the engine made; the next run links the program again. */
  dispose(): void {
    this.#linked = undefined;
    this.#link.unlink();
  }
}

/** Runs whose results are held at one time. */
const SLICE = 1 << 16;

/** The last run's outcome, with the counts of all. */
function runRepeatedly(
  linked: Linked,
  id: ProgramId,
  context: RunContext,
  repeat: number,
  options: RunOptions,
): RunResult {
  const sums: { -readonly [count in "instructions" | "tailCalls" | "missedTailCalls"]?: number } = {};
  for (let left = Math.floor(repeat); ; left -= SLICE) {
    const size = Math.min(left, SLICE);
    const batch = linked.repeat?.(id, size, context, options) ?? linked.runMany(id, size, () => context, options);
    for (const count of ["instructions", "tailCalls", "missedTailCalls"] as const)
      if (batch[count] !== undefined) sums[count] = (sums[count] ?? 0) + batch[count];
    if (batch.fault !== undefined) return { r0: 0n, ...sums, fault: batch.fault };
    if (left <= SLICE) return { r0: batch.r0.at(-1)!, ...sums };
  }
}
