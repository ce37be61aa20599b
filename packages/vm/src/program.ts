import {
  type Engine,
  type GuestMemory,
  type Linked,
  type LinkSet,
  type Program,
  type ProgramId,
  programId,
  type RunOptions,
} from "@bpfkit/core";
import { InterpreterLinked, type Stepper } from "@bpfkit/interpreter";
import { type ContextBuilder, createContext } from "@bpfkit/program-types";
import { VmError } from "./error.js";
import type { Outcome, RunInput, VmRunOptions } from "./types.js";

/** One context of each program type, made when it is first needed and shared by its programs. */
export class Contexts {
  readonly #memory: GuestMemory;
  readonly #builders = new Map<string, ContextBuilder>();

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** @throws an error `UNSUPPORTED_PROGRAM_TYPE` where no context can be built. */
  of(type: string): ContextBuilder {
    const known = this.#builders.get(type);
    if (known !== undefined) return known;
    const builder = createContext(type, this.#memory);
    this.#builders.set(type, builder);
    return builder;
  }
}

/** A program of a VM, ready to run. */
export class VmProgram {
  readonly program: Program;
  readonly #engine: Engine;
  readonly #linkSet: () => LinkSet;
  readonly #contexts: Contexts;
  #linked: Linked | undefined;

  constructor(program: Program, engine: Engine, linkSet: () => LinkSet, contexts: Contexts) {
    this.program = program;
    this.#engine = engine;
    this.#linkSet = linkSet;
    this.#contexts = contexts;
  }

  get type(): string {
    return this.program.type;
  }

  /** Links the program now instead of at its first run. @throws errors of linking, as `run` does. */
  link(): void {
    this.#link();
  }

  /**
   * Runs the program on a packet or memory. What the program does wrong is a fault in the outcome.
   * @throws errors of the input (a packet too short, an unknown context field) and of linking (an instruction or map that is none).
   */
  run(input: RunInput = {}, options: VmRunOptions = {}): Outcome {
    const { linked, entry } = this.#link();
    const builder = this.#contexts.of(this.type);
    const context = builder.build(input);
    const { repeat = 1, ...each } = options;
    if (repeat === 1) return this.#outcome(builder, context, linked.run(entry, context, each));
    const batch = linked.repeat?.(entry, repeat, context, each) ?? linked.runMany(entry, repeat, () => context, each);
    const { r0, completed: _, fault, ...counts } = batch;
    return this.#outcome(builder, context, {
      r0: fault === undefined ? (r0.at(-1) ?? 0n) : 0n,
      ...counts,
      ...(fault === undefined ? {} : { fault }),
    });
  }

  /** Begins a run that the caller steps through; only the interpreter can. @throws {VmError} `UNSUPPORTED`. */
  step(input: RunInput = {}, options: RunOptions = {}): Stepper {
    const { linked, entry } = this.#link();
    if (!(linked instanceof InterpreterLinked))
      throw new VmError("UNSUPPORTED", `engine ${this.#engine.name} cannot step; the interpreter can`);
    return linked.start(entry, this.#contexts.of(this.type).build(input), options);
  }

  #link(): { linked: Linked; entry: ProgramId } {
    // The context first: it reserves guest memory, which no run may do.
    this.#contexts.of(this.type);
    this.#linked ??= this.#engine.link(this.#linkSet());
    return { linked: this.#linked, entry: programId(0) };
  }

  #outcome(
    builder: ContextBuilder,
    context: ReturnType<ContextBuilder["build"]>,
    result: ReturnType<Linked["run"]>,
  ): Outcome {
    const { program } = this;
    const read = result.fault === undefined ? builder.readBack(context, result.r0) : {};
    const { redirect } = context;
    return {
      program: program.name,
      type: program.type,
      engine: this.#engine.name,
      ...result,
      ...read,
      ...(redirect === undefined ? {} : { redirect }),
    };
  }

  /** Gives back what the engine made. */
  dispose(): void {
    this.#linked?.dispose();
    this.#linked = undefined;
  }
}
