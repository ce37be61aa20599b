import type {
  BatchResult,
  ExecutableMemory,
  Linked,
  LinkSet,
  NativeCallback,
  Program,
  ProgramId,
  Region,
  RunContext,
  RunOptions,
  RunResult,
} from "@bpfkit/core";
import { FRAME_BYTES } from "@bpfkit/core";
import type { CompiledProgram } from "./compile.js";
import { FIELDS, STACK_FRAMES, STACK_STRIDE } from "./context.js";
import { JitError } from "./error.js";
import { helperCall } from "./helper-call.js";
import { runLoop } from "./loop.js";
import { Run } from "./run.js";
import { RunBuffer } from "./run-context.js";
import type { Safety } from "./unit.js";
import { type SharedJitCode, type UnitOptions, Units } from "./units.js";

/** What all links on one thread share. */
export interface Runtime {
  readonly native: ExecutableMemory;
  /** Runs inside one another, the innermost last; the callback asks that one. */
  readonly runs: Run[];
  readonly callback: NativeCallback;
  readonly bmi2: boolean;
}

/** Runs inside helpers of runs. */
const MAX_NESTED_RUNS = 32;

/** Values of `SharedJitCode.open`. */
export const OPEN = 1;
const CLOSED = 0;

/** What a loop in machine code runs on. */
export interface LoopInput {
  readonly count: number;
  /** r1 of each run, one after the other; without it all runs have the context's. */
  readonly r1?: BigUint64Array;
}

/** A link set in machine code; make one with `jitX64(…).link`. */
export class JitLinked implements Linked {
  readonly set: LinkSet;
  /** The level the set was compiled with. */
  readonly safety: Safety;
  readonly #runtime: Runtime;
  readonly #units: Units;
  readonly #idle: Run[] = [];
  readonly #stacks: Region[] = [];
  #running = 0;
  #disposed = false;
  /** Not 0 while other threads may attach; there once it is shared. */
  #open: Int32Array | undefined;

  /** `code`: what another thread linked and shared. */
  constructor(set: LinkSet, runtime: Runtime, options: UnitOptions, code?: SharedJitCode) {
    this.set = set;
    this.safety = options.safety;
    this.#runtime = runtime;
    this.#units = new Units(set, runtime.native, options, code);
    this.#idle.push(this.#newRun());
  }

  run(program: ProgramId, context: RunContext, options: RunOptions = {}): RunResult {
    return this.#within(program, context, options, (run) => run.toEnd());
  }

  runMany(
    program: ProgramId,
    count: number,
    prepare: (index: number) => RunContext,
    options: RunOptions = {},
  ): BatchResult {
    const r0 = new BigUint64Array(count);
    const sums = { instructions: 0, tailCalls: 0, missedTailCalls: 0 };
    const counts = (): object => {
      const { instructions, ...others } = sums;
      return this.safety === "checked" ? { instructions, ...others } : others;
    };
    for (let index = 0; index < count; index++) {
      const result = this.run(program, prepare(index), options);
      sums.instructions += result.instructions ?? 0;
      sums.tailCalls += result.tailCalls ?? 0;
      sums.missedTailCalls += result.missedTailCalls ?? 0;
      if (result.fault !== undefined) return { r0, completed: index, ...counts(), fault: result.fault };
      r0[index] = result.r0;
    }
    return { r0, completed: count, ...counts() };
  }

  /**
   * Runs a program again and again in machine code, in slices that poll `cancel` in between (50 ms at most, unless one run
   * takes longer). `results` says whether r0 of each run is wanted, or the last one's alone.
   */
  runLoop(
    program: ProgramId,
    context: RunContext,
    input: LoopInput,
    options: RunOptions = {},
    results: "all" | "last" = "all",
  ): BatchResult {
    if (input.r1 !== undefined && input.r1.length < input.count) {
      throw new JitError("BAD_INPUT", `${input.count} runs need as many values of r1, not ${input.r1.length}`);
    }
    return this.#within(program, context, options, (run) => runLoop(run, input, options, results));
  }

  repeat(program: ProgramId, count: number, context: RunContext, options: RunOptions = {}): BatchResult {
    return this.runLoop(program, context, { count }, options, "last");
  }

  /** What a program was compiled to. @throws {JitError} `NO_SUCH_PROGRAM`. */
  compiled(program: ProgramId): CompiledProgram {
    return this.#units.unit(program).compiled;
  }

  idOf(program: Program): ProgramId | undefined {
    return this.#units.idOf(program);
  }

  /**
   * Shares the machine code: other threads run these very pages, each with run contexts of its own.
   * @throws {JitError} `NOT_SHARED` where memory or effects belong to one thread, or a program array is too large.
   */
  share(): SharedJitCode {
    const { memory, effects } = this.set;
    const refuse = (what: string): never => {
      throw new JitError("NOT_SHARED", what);
    };
    if (this.#disposed) throw new JitError("DISPOSED", "the linked set was disposed of");
    if (memory.views.i64 === undefined) refuse("the set's memory was not made to be shared");
    if (effects.cells !== undefined)
      refuse("the cells of the set's effects are in its code; link with effects without");
    const { units, functions, jumpSlots } = this.#units.share();
    this.#open ??= new Int32Array(new SharedArrayBuffer(4)).fill(OPEN);
    return { engine: "jit-x64", safety: this.safety, open: this.#open, units, functions, jumpSlots };
  }

  /** @throws {JitError} `ATTACHED` where it is shared and other threads are attached to its memory. */
  dispose(): void {
    this.#close();
    this.#disposed = true;
    if (this.#running === 0) this.#free();
  }

  /** Whoever attaches has taken its seat before it looks here; this looks at the seats afterwards. So one of the two sees the other. */
  #close(): void {
    if (this.#open === undefined) return;
    Atomics.store(this.#open, 0, CLOSED);
    const { attached = 0 } = this.set.memory;
    if (attached === 0) return;
    Atomics.store(this.#open, 0, OPEN);
    throw new JitError("ATTACHED", `the code cannot go: ${attached} other threads may be running it`);
  }

  /** A run inside a helper of a run gets a context, and so a stack and a count, of its own. */
  #within<T>(program: ProgramId, context: RunContext, options: RunOptions, body: (run: Run) => T): T {
    if (this.#disposed) throw new JitError("DISPOSED", "the linked set was disposed of");
    const { runs } = this.#runtime;
    if (runs.length >= MAX_NESTED_RUNS) {
      throw new JitError("TOO_MANY_RUNS", `more than ${MAX_NESTED_RUNS} runs inside one another`);
    }
    const unit = this.#units.unit(program);
    const run = this.#idle.pop() ?? this.#newRun();
    this.#running++;
    this.set.memory.enterRun();
    runs.push(run);
    try {
      run.begin(unit, context, options);
      const result = body(run);
      // What a program does is a fault; this is a mistake of ours, and native code has gone on with no answer.
      const error = this.#runtime.callback.takeError();
      if (error !== undefined) throw error;
      return result;
    } finally {
      runs.pop();
      this.set.memory.leaveRun();
      this.#idle.push(run);
      this.#running--;
      if (this.#disposed && this.#running === 0) this.#free();
    }
  }

  #newRun(): Run {
    const stack = reserveStack(this.set, this.safety);
    this.#stacks.push(stack);
    const buffer = new RunBuffer(this.#runtime.native);
    buffer.set64(FIELDS.callback, this.#runtime.callback.address);
    const call = helperCall(this.set, this.#units, { r1: 0n, r2: 0n, type: "raw" }, buffer.args);
    return new Run(this.set, this.#units, buffer, stack, this.safety === "checked", call);
  }

  #free(): void {
    this.#units.dispose();
    for (const stack of this.#stacks.splice(0)) this.set.memory.release(stack);
  }
}

/**
 * The guest stack of a run: frames of 512 bytes with gaps that stay invalid. Checked code opens frames as it calls; helpers of
 * other code look at the shadow too, and find all of them valid.
 */
function reserveStack({ memory }: LinkSet, safety: Safety): Region {
  const stack = memory.reserve("the stack", STACK_FRAMES * STACK_STRIDE, "none");
  const first = stack.start + stack.size - FRAME_BYTES;
  const valid = safety === "checked" ? 1 : STACK_FRAMES;
  for (let frame = 0; frame < valid; frame++) memory.permit(first - frame * STACK_STRIDE, FRAME_BYTES, "read-write");
  memory.describe(first, "the stack frame", FRAME_BYTES, -STACK_STRIDE, STACK_FRAMES);
  return stack;
}
