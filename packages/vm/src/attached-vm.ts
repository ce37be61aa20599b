import { helperById } from "@bpfkit/abi";
import type { Effects, Engine, HelperTable, Linked, MapStorage, Program } from "@bpfkit/core";
import { fixedEffects, helperTable } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { attachMap } from "@bpfkit/maps";
import { type AttachedMemory, attachGuestMemory } from "@bpfkit/memory";
import { attachProgramArray } from "@bpfkit/tailcall";
import { VmError } from "./error.js";
import { findMap, findProgram, noSuchMap } from "./find.js";
import { Contexts, VmProgram } from "./program.js";
import type { SharedVm } from "./share.js";

/** What a thread brings along. */
export interface AttachOptions {
  /** The engine the VM was shared by. Default: the interpreter. */
  readonly engine?: Engine;
  /** Default: fixed, on the CPU with the thread's number. */
  readonly effects?: Effects;
  /** Those that the VM was linked with: code names them by number. Default: every helper there is a body for. */
  readonly helpers?: HelperTable;
}

/**
 * Attaches this thread to a VM that another thread of the process shared: the same maps and machine code, with stacks,
 * contexts and effects of its own.
 * @throws {VmError} `UNSUPPORTED` where the VM was shared by another engine; {MemoryError} `NO_SEAT`, `CLOSED`; what attaching
 * maps and code throws. Nothing is attached then.
 */
export function attach(shared: SharedVm, options: AttachOptions = {}): AttachedVm {
  const { engine = interpreter } = options;
  if (engine.name !== shared.engine || engine.attach === undefined)
    throw new VmError(
      "UNSUPPORTED",
      `the VM was shared by engine ${shared.engine}; ${engine.name} cannot attach to it`,
    );
  const memory = attachGuestMemory(shared.memory);
  try {
    return new AttachedVm(shared, memory, options);
  } catch (error) {
    memory.detach();
    throw error;
  }
}

/** A VM of another thread, as this one sees it; make one with `attach`. Its program arrays are changed by its owner only. */
export class AttachedVm {
  readonly engine: Engine;
  readonly memory: AttachedMemory;
  readonly programs: readonly Program[];
  readonly maps: ReadonlyMap<string, MapStorage>;
  readonly #linked: Linked;
  readonly #runnables = new Map<Program, VmProgram>();
  readonly #contexts: Contexts;
  #disposed = false;

  constructor(shared: SharedVm, memory: AttachedMemory, options: AttachOptions) {
    const { programs, profile, code } = shared;
    const { engine = interpreter, effects = fixedEffects({ cpu: memory.thread }), helpers = helperTable() } = options;
    this.engine = engine;
    this.memory = memory;
    this.programs = programs;
    this.#contexts = new Contexts(memory);
    this.maps = attachMaps(shared, memory);
    const helperName = (id: number): string | undefined => helperById(id)?.name;
    const set = { programs, maps: this.maps, memory, helpers, helperName, effects, profile };
    this.#linked = engine.attach!(set, code);
  }

  /** This thread's number, from 1. */
  get thread(): number {
    return this.memory.thread;
  }

  #checkAlive(): void {
    if (this.#disposed) throw new VmError("DISPOSED", "this thread let go of the VM");
  }

  /** A program by its function or section name; without a name, the only one. @throws {VmError} `NO_SUCH_PROGRAM`, `AMBIGUOUS`, `DISPOSED`. */
  program(name?: string): VmProgram {
    this.#checkAlive();
    const program = findProgram(this.programs, name);
    const known = this.#runnables.get(program);
    if (known !== undefined) return known;
    const runnable = new VmProgram(program, this.engine.name, this.#contexts, {
      link: () => this.#alive(),
      unlink() {},
    });
    this.#runnables.set(program, runnable);
    return runnable;
  }

  #alive(): Linked {
    this.#checkAlive();
    return this.#linked;
  }

  /** A map by its name or its section (`.bss`). @throws {VmError} `NO_SUCH_MAP`, `DISPOSED`. */
  map(name: string): MapStorage {
    this.#checkAlive();
    const map = findMap(this.maps, name);
    if (map === undefined) throw noSuchMap(this.maps, name);
    return map;
  }

  /** Lets go of the VM, so that its owner can dispose of it. A second call does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#linked.dispose();
    this.memory.detach();
  }
}

function attachMaps({ maps, programs, programIds }: SharedVm, memory: AttachedMemory): Map<string, MapStorage> {
  const ids = new Map(programs.map((program, index) => [program, programIds[index]!]));
  const idOf = (program: Program): number => ids.get(program)!;
  return new Map(
    maps.map((map) => [
      map.spec.name,
      map.slots === undefined ? attachMap(map, memory) : attachProgramArray(map, programs, idOf),
    ]),
  );
}
