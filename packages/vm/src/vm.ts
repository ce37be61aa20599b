import { DEFAULT_PROFILE, helperById } from "@bpfkit/abi";
import {
  type Effects,
  type Engine,
  type HelperTable,
  isProgramArray,
  type Linked,
  type LinkSet,
  type MapStorage,
  type Profile,
  type Program,
} from "@bpfkit/core";
import { parseObject } from "@bpfkit/elf";
import { fixedEffects, helperTable } from "@bpfkit/helpers";
import { interpreter } from "@bpfkit/interpreter";
import { createGuestMemory, type OwnMemory } from "@bpfkit/memory";
import type { Verdict } from "@bpfkit/verifier";
import { dumpMap, type MapEntry, seedMap } from "./contents.js";
import { type Decode, valueDecoder } from "./decoded.js";
import { VmError } from "./error.js";
import { findMap, findProgram, noSuchMap } from "./find.js";
import { Contexts, VmProgram } from "./program.js";
import { type SharedVm, shareVm, type VmShareOptions } from "./share.js";
import { createMaps, disposeMaps, fillSlots } from "./storage.js";
import type { VmOptions, VmSource } from "./types.js";
import { reachable, type VmVerifyOptions, verifyWith } from "./verify.js";

/**
 * Makes everything an object's programs need, ready to run.
 * @param source An ELF object's bytes, a parsed one, or programs and maps from anywhere.
 * @throws the typed errors of the packages below: an object that cannot be read, a map that cannot be made.
 */
export function load(source: Uint8Array | VmSource, options: VmOptions & { readonly file?: string } = {}): Vm {
  const { file } = options;
  return new Vm(
    source instanceof Uint8Array ? parseObject(source, file === undefined ? {} : { file }) : source,
    options,
  );
}

/** Programs and their maps in one guest memory. Maps keep their state from run to run until `dispose`. */
export class Vm {
  readonly engine: Engine;
  readonly memory: OwnMemory;
  readonly effects: Effects;
  readonly profile: Profile;
  readonly helpers: HelperTable;
  readonly #options: VmOptions;
  readonly #sources: VmSource[] = [];
  readonly #maps = new Map<string, MapStorage>();
  readonly #missing = new Map<string, Error>();
  readonly #programIds = new Map<Program, number>();
  readonly #runnables = new Map<Program, VmProgram>();
  /** Each program is linked alone, when it first runs. */
  readonly #linked = new Map<Program, Linked>();
  /** All programs together, as other threads run them. */
  #sharedLink: Linked | undefined;
  readonly #contexts: Contexts;
  readonly #decoders = new Map<MapStorage, Decode>();
  #disposed = false;

  constructor(source: VmSource, options: VmOptions = {}) {
    this.#options = options;
    this.engine = options.engine ?? interpreter;
    this.memory = createGuestMemory({ shared: options.shared === true });
    if (options.memoryOffset !== undefined) this.memory.reserve("nothing", options.memoryOffset, "none");
    this.effects = options.effects ?? fixedEffects();
    this.profile = options.profile ?? DEFAULT_PROFILE;
    this.helpers = options.helpers ?? helperTable();
    this.#contexts = new Contexts(this.memory);
    this.#take(source);
  }

  /** All of an object or, where that throws, nothing of it. */
  #take(source: VmSource): void {
    for (const { name } of source.maps)
      if (this.#maps.has(name) || this.#missing.has(name))
        throw new VmError("AMBIGUOUS", `there is a map ${name} already`);
    const missing = new Map<string, Error>();
    const made = createMaps(source.maps, {
      memory: this.memory,
      cpus: this.engine.capabilities.cpus ?? this.#options.cpus ?? 1,
      ownMaps: this.engine.createMaps?.(source.maps, source.btf),
      createMap: this.#options.createMap,
      firstId: this.#maps.size + 1,
      missing,
      programId: (program) => numberOf(this.#programIds, program),
    });
    try {
      fillSlots(source.maps, made, source.programs);
    } catch (error) {
      disposeMaps(made.values());
      throw error;
    }
    const decode = valueDecoder(source.btf);
    for (const [name, map] of made) {
      this.#maps.set(name, map);
      this.#decoders.set(map, decode);
    }
    for (const [name, error] of missing) this.#missing.set(name, error);
    this.#sources.push(source);
  }

  #checkAlive(): void {
    if (this.#disposed) throw new VmError("DISPOSED", "the VM was disposed of");
  }

  /** Every program, in the object's order; those added later follow. */
  get programs(): readonly Program[] {
    return this.#sources.flatMap(({ programs }) => programs);
  }

  /** Every map by name. */
  get maps(): ReadonlyMap<string, MapStorage> {
    return this.#maps;
  }

  /**
   * A program by its function or section name; without a name, the only one.
   * @throws {VmError} `NO_SUCH_PROGRAM`, `AMBIGUOUS`, `BAD_PROGRAM`, `DISPOSED`.
   */
  program(name?: string): VmProgram {
    this.#checkAlive();
    const { programs } = this;
    const problem = this.#sources.flatMap(({ problems = [] }) => problems).find(({ program }) => program === name);
    const isThere = programs.some((program) => program.name === name || program.section === name);
    if (name !== undefined && problem !== undefined && !isThere) throw new VmError("BAD_PROGRAM", problem.message);
    return this.runnable(findProgram(programs, name));
  }

  /** Makes a program ready to run, also one that is in no object; it is linked when it first runs. */
  runnable(program: Program): VmProgram {
    const known = this.#runnables.get(program);
    if (known !== undefined) return known;
    const runnable = new VmProgram(program, this.engine.name, this.#contexts, {
      link: () => this.#link(program),
      unlink: () => this.#unlink(program),
    });
    this.#runnables.set(program, runnable);
    return runnable;
  }

  /**
   * Gives the verdict the kernel of the VM's profile would give on a program, in its words.
   * @throws {VerifierError} where there can be no verdict: an unknown program type, a map that is nowhere. {VmError}
   * `DISPOSED`.
   */
  verify(program: Program, options: VmVerifyOptions = {}): Verdict {
    this.#checkAlive();
    const specs = new Map(this.#sources.flatMap(({ maps }) => maps.map((spec) => [spec.name, spec] as const)));
    return verifyWith(program, { sources: this.#sources, specs, profile: this.profile }, options);
  }

  /** A program and every program that its program arrays hold, and theirs: what has to be accepted before it runs. */
  reachable(program: Program): readonly Program[] {
    return reachable(program, this.#maps);
  }

  /** The entry alone: the programs in its program arrays are linked with it by the engine, and as the arrays change. */
  #link(program: Program): Linked {
    this.#checkAlive();
    const known = this.#linked.get(program);
    if (known !== undefined) return known;
    const linked = this.engine.link(this.#linkSet([program]));
    this.#linked.set(program, linked);
    return linked;
  }

  #unlink(program: Program): void {
    this.#linked.get(program)?.dispose();
    this.#linked.delete(program);
  }

  #linkSet(programs: readonly Program[]): LinkSet {
    for (const reference of programs.flatMap(({ references }) => references)) {
      const missing = reference.kind === "extern" ? undefined : this.#missing.get(reference.map);
      if (missing !== undefined) throw missing;
    }
    const { memory, helpers, effects, profile } = this;
    const helperName = (id: number): string | undefined => helperById(id)?.name;
    return { programs, maps: this.#maps, memory, helpers, helperName, effects, profile };
  }

  /**
   * A map by its name, its section (`.bss`), or the object's full name for it (`lb.bss`).
   * @throws {VmError} `NO_SUCH_MAP`, `DISPOSED`.
   */
  map(name: string): MapStorage {
    this.#checkAlive();
    const map = findMap(this.#maps, name);
    if (map === undefined) throw this.#missing.get(name) ?? noSuchMap(this.#maps, name);
    return map;
  }

  /** Puts a program into a slot of a program array, or empties it. @throws as `ProgramArray.setProgram` and `map`. */
  setSlot(map: string, index: number, program: Program | undefined): void {
    const array = this.map(map);
    if (!isProgramArray(array))
      throw new VmError("UNSUPPORTED", `map ${map} is of type ${array.spec.type}, not a program array`);
    if (program === undefined) array.deleteProgram(index);
    else array.setProgram(index, program);
  }

  /**
   * Takes in another object: its maps are called `prefix#name` here. Returns its programs as they now are.
   * @throws as `load`; {VmError} `AMBIGUOUS` where the prefix was used before. Nothing has changed then.
   */
  add(source: VmSource, prefix: string): readonly Program[] {
    this.#checkAlive();
    const renamed = withPrefix(source, prefix);
    this.#take(renamed);
    return renamed.programs;
  }

  /** Writes entries into a map. @throws as `seedMap` and `map`. */
  seed(name: string, entries: readonly MapEntry[]): void {
    seedMap(this.map(name), entries);
  }

  /** What all maps that user space may read hold, by name; global data by its section. @throws {VmError} `DISPOSED`. */
  dumpMaps(options: { readonly all?: boolean } = {}): Record<string, MapEntry[]> {
    this.#checkAlive();
    const maps = [...this.#maps.values()];
    const names = new Map(maps.map((map) => [map.id as number, map.spec.name]));
    const mapName = (value: Uint8Array): string | undefined =>
      names.get(new DataView(value.buffer, value.byteOffset).getUint32(0, true));
    const decode: Decode = (map, value) => this.#decoders.get(map)?.(map, value);
    const readable = maps.filter(({ spec }) => (spec.flags & BPF_F_WRONLY) === 0);
    return Object.fromEntries(
      readable.map((map) => [map.spec.section ?? map.spec.name, dumpMap(map, { ...options, decode, mapName })]),
    );
  }

  /**
   * Links programs and shares them, the maps and the memory with other threads, once: post what it gives to a worker, which
   * calls `attach`. Program arrays take only these programs from then on, and guest memory no longer grows. Maps that cannot be
   * shared and that none of the programs names are left out.
   * @throws {VmError} `UNSUPPORTED` where engine or maps cannot be shared, `NO_SUCH_PROGRAM`, `DISPOSED`; {MemoryError} `NOT_SHARED` unless the VM
   * was loaded with `shared`, `ALREADY_SHARED`; what linking throws of any program.
   */
  share(options: VmShareOptions = {}): SharedVm {
    this.#checkAlive();
    const { engine, memory } = this;
    const programs = options.programs?.map((name) => findProgram(this.programs, name)) ?? this.programs;
    const programId = (program: Program): number => numberOf(this.#programIds, program);
    const { shared, linked } = shareVm({ engine, memory, set: this.#linkSet(programs), programId }, options);
    this.#sharedLink = linked;
    return shared;
  }

  /** Threads that are attached now. */
  get attached(): number {
    return this.memory.attached ?? 0;
  }

  /** Gives back the seat of a thread that ended without disposing of its `AttachedVm`: only once it has ended. */
  detach(thread: number): void {
    this.memory.detach(thread);
  }

  /**
   * Gives everything back. A run that is still stepped through goes on, without maps. A second call does nothing.
   * @throws {MemoryError} `ATTACHED` while other threads are; then nothing has changed.
   */
  dispose(): void {
    if (!this.#disposed) this.memory.close();
    this.#disposed = true;
    this.#sharedLink?.dispose();
    for (const program of this.#linked.keys()) this.#unlink(program);
    disposeMaps(this.#maps.values());
    this.#runnables.clear();
    this.#maps.clear();
  }
}

/** Of map creation: user space may not read it (uapi/linux/bpf.h). */
const BPF_F_WRONLY = 1 << 4;

function numberOf(ids: Map<Program, number>, program: Program): number {
  const id = ids.get(program) ?? ids.size + 1;
  ids.set(program, id);
  return id;
}

/** Renames an object's maps wherever they are named. */
function withPrefix(source: VmSource, prefix: string): VmSource {
  const rename = (name: string): string => `${prefix}#${name}`;
  return {
    ...source,
    maps: source.maps.map((spec) => ({
      ...spec,
      name: rename(spec.name),
      ...(spec.section === undefined ? {} : { section: rename(spec.section) }),
      ...(spec.slots === undefined
        ? {}
        : { slots: spec.slots.map((slot) => (slot.of === "map" ? { ...slot, name: rename(slot.name) } : slot)) }),
    })),
    programs: source.programs.map((program) => ({
      ...program,
      references: program.references.map((reference) =>
        reference.kind === "extern" ? reference : { ...reference, map: rename(reference.map) },
      ),
    })),
  };
}
