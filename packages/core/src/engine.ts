import type { ProgramId } from "./brand.js";
import type { Effects, HelperTable } from "./helper.js";
import type { MapSpec, MapStorage } from "./map.js";
import type { GuestMemory } from "./memory.js";
import type { Profile } from "./profile.js";
import type { Program } from "./program.js";
import type { RunContext, RunOptions, RunResult } from "./run.js";

/**
 * All that runs together: programs that may tail-call each other, their maps, helpers, memory and effects.
 * `maps` of a program are found by the names in its references.
 */
export interface LinkSet {
  /** A program's id is its index here. */
  readonly programs: readonly Program[];
  readonly maps: ReadonlyMap<string, MapStorage>;
  readonly helpers: HelperTable;
  /** Names helpers that are not in `helpers`, for errors. */
  readonly helperName?: (id: number) => string | undefined;
  readonly memory: GuestMemory;
  readonly effects: Effects;
  readonly profile: Profile;
}

export type Availability = { readonly available: true } | { readonly available: false; readonly reason: string };

/** What an engine can do beyond running. */
export interface EngineCapabilities {
  /** Results carry instruction and tail-call counts. */
  readonly counts: boolean;
  readonly steps: boolean;
  readonly budget: boolean;
  /** Maps and code can be shared with other threads: `Linked.share` and `Engine.attach` are there. */
  readonly workers: boolean;
  /** Bits of r0 a result tells, where they are not all 64: the kernel's test run gives 32. */
  readonly returnBits?: 32;
  /** CPUs that per-CPU maps have values for, where the engine and not the caller decides. */
  readonly cpus?: number;
}

/** Something that runs BPF. Engines link a set, not one program: program arrays hold several, cyclically. */
export interface Engine {
  /** `interpreter`, `jit-x64`, `kernel`. */
  readonly name: string;
  readonly capabilities: EngineCapabilities;
  availability(): Availability;
  /**
   * Makes the maps of one link set, by name, where the engine keeps its own storage (the kernel does); without it, maps lie
   * in guest memory. First values are written and frozen maps frozen. `btf`: the `.BTF` section the specs' type ids are of.
   */
  createMaps?(specs: readonly MapSpec[], btf?: Uint8Array): ReadonlyMap<string, MapStorage>;
  /** @throws a typed error that names the program and slot of anything the engine cannot link. */
  link(set: LinkSet): Linked;
  /**
   * Makes ready what another thread linked and shared. `set` is this thread's: the same programs in the same order, the same
   * maps and memory, attached; effects of its own.
   * @throws a typed error where the code is another engine's, or was disposed of.
   */
  attach?(set: LinkSet, code: SharedCode): Linked;
}

/** A linked set's code for other threads of the process: plain data that `postMessage` takes. What else is in it, its engine knows. */
export interface SharedCode {
  readonly engine: string;
}

/** A set an engine made ready. Disposing waits for runs inside it. */
export interface Linked {
  readonly set: LinkSet;
  /** Never throws for what the program does: that is a fault in the result. */
  run(program: ProgramId, context: RunContext, options?: RunOptions): RunResult;
  /** Runs once for each context `prepare` gives, in order; stops at the first fault or cancel. */
  runMany(program: ProgramId, count: number, prepare: (index: number) => RunContext, options?: RunOptions): BatchResult;
  /**
   * As `runMany` on the same context again and again, of an engine that loops faster than it is called. `r0` holds the last
   * run's alone.
   */
  repeat?(program: ProgramId, count: number, context: RunContext, options?: RunOptions): BatchResult;
  /**
   * Shares the code with other threads, which attach by the same engine; programs keep their ids. The set's memory must be
   * shared. From then on `dispose` refuses with a typed error `ATTACHED` while a thread is attached to the memory, where the
   * code cannot go before.
   * @throws a typed error where something of the set belongs to one thread.
   */
  share?(): SharedCode;
  /** The id of a program of the set, which a change of a program array may have added; undefined where it is in none. */
  idOf(program: Program): ProgramId | undefined;
  dispose(): void;
}

/** The outcome of `runMany`. */
export interface BatchResult {
  /** r0 of each run, unsigned. */
  readonly r0: BigUint64Array;
  /** Runs that ended without a fault. */
  readonly completed: number;
  /** Summed over the batch, where the engine counts. */
  readonly instructions?: number;
  readonly tailCalls?: number;
  readonly missedTailCalls?: number;
  /** What stopped the batch early. */
  readonly fault?: RunResult["fault"];
}

/**
 * A verifier's answer on one program, as an engine takes it: the licence to leave checks out. It holds for this very
 * program object; a verifier binds it to digests of what it looked at.
 */
export interface Verdict {
  readonly program: Program;
  readonly accepted: boolean;
}
